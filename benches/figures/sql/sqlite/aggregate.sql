SELECT json_object('dealAggregate', json_group_array(json_object(
  'key', json_object('stage', json_object('id', hex(s.id), 'name', s.name)), 'count', g.deals,
  'sum', json_object('amount', CASE WHEN g.currency IS NOT NULL THEN
    json_object('amount', format('%d.%02d', g.minor / 100, g.minor % 100), 'currency', g.currency) END))))
FROM (
  SELECT stage_id, amount_currency AS currency, count(*) AS deals, sum(amount_minor) AS minor
  FROM deal WHERE archived_at IS NULL GROUP BY stage_id, amount_currency) g
JOIN stage s ON s.id = g.stage_id
