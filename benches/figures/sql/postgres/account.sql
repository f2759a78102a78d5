SELECT json_build_object('account', json_build_object(
  'id', id, 'name', name, 'domain', domain, 'industry', industry, 'employeeCount', employee_count,
  'country', country, 'stage', stage,
  'updatedAt', to_char(to_timestamp(updated_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text
FROM account WHERE id = $1 AND archived_at IS NULL
