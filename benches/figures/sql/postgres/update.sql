UPDATE account SET description = $2, version = version + 1, updated_at = $3 WHERE id = $1 AND archived_at IS NULL
RETURNING json_build_object('accountUpdate', json_build_object(
  'account', json_build_object('id', id, 'version', version), 'userErrors', json_build_array()))::text
