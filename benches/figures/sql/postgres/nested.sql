SELECT json_build_object('accounts', json_build_object('nodes', coalesce(json_agg(json_build_object(
  'id', a.id, 'name', a.name, 'leads', json_build_object('nodes', ls.nodes))), '[]')))::text
FROM (SELECT id, name FROM account WHERE archived_at IS NULL ORDER BY name_fold, id LIMIT 20) a
CROSS JOIN LATERAL (
  SELECT coalesce(json_agg(json_build_object(
    'id', l.id, 'name', l.name, 'stage', l.stage,
    'receivedAt', to_char(to_timestamp(l.received_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'persona', (SELECT json_build_object('id', p.id, 'name', p.name) FROM persona p WHERE p.id = l.persona_id),
    'deals', json_build_object('nodes', ds.nodes))), '[]') AS nodes
  FROM (
    SELECT id, name, stage, received_at, persona_id FROM lead
    WHERE account_id = a.id AND archived_at IS NULL ORDER BY received_at, id LIMIT 10) l
  CROSS JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_object(
      'id', d.id, 'name', d.name,
      'amount', CASE WHEN d.amount_minor IS NOT NULL THEN
        json_build_object('amount', round(d.amount_minor / 100.0, 2)::text, 'currency', d.amount_currency) END,
      'closeDate', date '1970-01-01' + d.close_date)), '[]') AS nodes
    FROM (
      SELECT id, name, amount_minor, amount_currency, close_date FROM deal
      WHERE lead_id = l.id AND archived_at IS NULL ORDER BY id LIMIT 5) d) ds) ls
