SELECT json_build_object('accounts', json_build_object('nodes', coalesce(json_agg(json_build_object(
  'id', id, 'name', name, 'domain', domain, 'industry', industry, 'employeeCount', employee_count,
  'country', country, 'stage', stage,
  'updatedAt', to_char(to_timestamp(updated_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))), '[]')))::text
FROM (
  SELECT id, name, domain, industry, employee_count, country, stage, updated_at
  FROM account
  WHERE (name_fold, id) > ($1, $2) AND archived_at IS NULL
  ORDER BY name_fold, id LIMIT 50) a
