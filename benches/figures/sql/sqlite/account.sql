SELECT json_object('account', json_object(
  'id', hex(id), 'name', name, 'domain', domain, 'industry', industry, 'employeeCount', employee_count,
  'country', country, 'stage', stage, 'updatedAt', strftime('%Y-%m-%dT%H:%M:%fZ', updated_at / 1000.0, 'unixepoch')))
FROM account WHERE id = ?1 AND archived_at IS NULL
