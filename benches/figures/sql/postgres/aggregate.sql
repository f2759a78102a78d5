SELECT json_build_object('dealAggregate', coalesce(json_agg(json_build_object(
  'key', json_build_object('stage', json_build_object('id', s.id, 'name', s.name)), 'count', g.deals,
  'sum', json_build_object('amount', CASE WHEN g.currency IS NOT NULL THEN
    json_build_object('amount', round(g.minor / 100.0, 2)::text, 'currency', g.currency) END))), '[]'))::text
FROM (
  SELECT stage_id, amount_currency AS currency, count(*) AS deals, sum(amount_minor)::bigint AS minor
  FROM deal WHERE archived_at IS NULL GROUP BY stage_id, amount_currency) g
JOIN stage s ON s.id = g.stage_id
