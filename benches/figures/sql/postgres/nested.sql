SELECT '{"accounts":{"nodes":' || coalesce(json_agg(n)::text, '[]') || '}}'
FROM (
  SELECT a.id, a.name, ls.leads
  FROM (SELECT id, name FROM account WHERE archived_at IS NULL ORDER BY name_fold, id LIMIT 20) a
  CROSS JOIN LATERAL (
    SELECT json_build_object('nodes', coalesce(json_agg(m), '[]')) AS leads
    FROM (
      SELECT l.id, l.name, l.stage,
        to_char(timestamp 'epoch' + l.received_at * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "receivedAt",
        (SELECT row_to_json(p) FROM (SELECT id, name FROM persona WHERE id = l.persona_id) p) AS persona, ds.deals
      FROM (
        SELECT id, name, stage, received_at, persona_id FROM lead
        WHERE account_id = a.id AND archived_at IS NULL ORDER BY id LIMIT 10) l
      CROSS JOIN LATERAL (
        SELECT json_build_object('nodes', coalesce(json_agg(d), '[]')) AS deals
        FROM (
          SELECT id, name,
            CASE WHEN amount_minor IS NOT NULL THEN json_build_object(
              'amount', round(amount_minor / 100.0, 2)::text, 'currency', amount_currency) END AS amount,
            date '1970-01-01' + close_date AS "closeDate"
          FROM deal WHERE lead_id = l.id AND archived_at IS NULL ORDER BY id LIMIT 5) d) ds) m) ls) n
