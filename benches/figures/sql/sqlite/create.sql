INSERT INTO lead (id, name, name_fold, stage, source, received_at, account_id, version, created_at, updated_at)
VALUES (?1, ?2, ?3, 'RAW', ?4, ?5, ?6, 1, ?7, ?7)
RETURNING json_object('leadCreate', json_object(
  'lead', json_object('id', hex(id), 'name', name, 'stage', stage), 'userErrors', json_array()))
