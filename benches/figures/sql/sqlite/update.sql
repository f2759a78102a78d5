UPDATE account SET description = ?2, version = version + 1, updated_at = ?3 WHERE id = ?1 AND archived_at IS NULL
RETURNING json_object('accountUpdate', json_object(
  'account', json_object('id', hex(id), 'version', version), 'userErrors', json_array()))
