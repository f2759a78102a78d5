SELECT '{"account":' || row_to_json(a)::text || '}'
FROM (
  SELECT id, name, domain, industry, employee_count AS "employeeCount", country, stage,
    to_char(timestamp 'epoch' + updated_at * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "updatedAt"
  FROM account WHERE id = $1 AND archived_at IS NULL) a
