INSERT INTO lead (id, name, name_fold, stage, source, received_at, account_id, version, created_at, updated_at)
VALUES ($1, $2, $3, 'RAW', $4, $5, $6, 1, $7, $7)
RETURNING json_build_object('leadCreate', json_build_object(
  'lead', json_build_object('id', id, 'name', name, 'stage', stage), 'userErrors', json_build_array()))::text
