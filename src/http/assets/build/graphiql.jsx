// The page behind GET /: GraphiQL over our own endpoints, the tokens kept in this tab only.
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import 'graphiql/graphiql.css';
import './page.css';

const at = (path) => new URL(path, window.location.href);

const socket = at('/graphql/ws');
socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:';

function bearer(headers) {
  const name = Object.keys(headers ?? {}).find((key) => key.toLowerCase() === 'authorization');
  return name ? { authorization: headers[name] } : {};
}

function isSubscription({ query, operationName }, document) {
  return (document?.definitions ?? []).some(
    (definition) =>
      definition.kind === 'OperationDefinition' &&
      definition.operation === 'subscription' &&
      (!operationName || definition.name?.value === operationName),
  );
}

// A socket per subscription, so that each carries the token in the header editor at that moment.
async function* subscribe(parameters, headers) {
  const client = createClient({ url: socket.href, connectionParams: bearer(headers), retryAttempts: 0 });
  try {
    yield* client.iterate(parameters);
  } finally {
    await client.dispose();
  }
}

async function fetcher(parameters, options = {}) {
  if (isSubscription(parameters, options.documentAST)) {
    return subscribe(parameters, options.headers);
  }
  const response = await fetch(at('/graphql'), {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...options.headers,
    },
    body: JSON.stringify(parameters),
  });
  return response.json();
}

const welcome = `# Tandem. Sign in with the mutation below, then put the token into "Headers" (bottom left):
#   { "Authorization": "Bearer <accessToken>" }

{
  __typename
}
`;

createRoot(document.getElementById('graphiql')).render(
  createElement(GraphiQL, {
    fetcher,
    defaultQuery: welcome,
    defaultHeaders: '{\n  "Authorization": "Bearer "\n}',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    inputValueDeprecation: true,
    schemaDescription: true,
  }),
);
