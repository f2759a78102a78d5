SELECT '{"accounts":{"nodes":' || coalesce(json_agg(a)::text, '[]') || '}}'
FROM (
  SELECT id, name, domain, industry, employee_count AS "employeeCount", country, stage,
    to_char(timestamp 'epoch' + updated_at * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "updatedAt"
  FROM account
  WHERE (name_fold, id) > ($1, $2) AND archived_at IS NULL
  ORDER BY name_fold, id LIMIT 50) a
