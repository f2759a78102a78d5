SELECT json_object('accounts', json_object('nodes', json_group_array(json_object(
  'id', hex(id), 'name', name, 'domain', domain, 'industry', industry, 'employeeCount', employee_count,
  'country', country, 'stage', stage, 'updatedAt', strftime('%Y-%m-%dT%H:%M:%fZ', updated_at / 1000.0, 'unixepoch')))))
FROM (
  SELECT id, name, domain, industry, employee_count, country, stage, updated_at
  FROM account
  WHERE (name_fold, id) > (?1, ?2) AND archived_at IS NULL
  ORDER BY name_fold, id LIMIT 50)
