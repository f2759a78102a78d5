// Bundles GraphiQL into ../graphiql.js and ../graphiql.css and gathers the licences of what went in.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { metafile } = await build({
  entryPoints: ['graphiql.jsx'],
  outfile: '../graphiql.js',
  bundle: true,
  minify: true,
  metafile: true,
  format: 'esm',
  target: ['es2022'],
  legalComments: 'none',
  charset: 'utf8',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.svg': 'dataurl' },
  logLevel: 'warning',
});

for (const file of ['../graphiql.js', '../graphiql.css']) {
  const text = await readFile(new URL(file, import.meta.url), 'utf8');
  for (const forbidden of ['cdn.jsdelivr', 'unpkg.com', '@import "http', 'url(http']) {
    if (text.includes(forbidden)) throw new Error(`${file} refers to ${forbidden}`);
  }
}

const folders = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const folder = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1];
  if (folder) folders.add(folder);
}
let licences = '';
for (const folder of [...folders].sort()) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? (await readFile(`${folder}/${file}`, 'utf8')).trim() : '(no licence file in the package)';
  licences += `${name} ${version} (${license})\n\n${text}\n\n${'-'.repeat(80)}\n\n`;
}
await writeFile('../LICENCES.txt', licences);
