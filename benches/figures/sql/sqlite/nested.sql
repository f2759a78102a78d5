-- The values of scalar subqueries stay JSON, so that nothing is parsed twice.
SELECT json_object('accounts', json_object('nodes', json_group_array(json_object(
  'id', hex(a.id), 'name', a.name, 'leads', json_object('nodes', (
    SELECT json_group_array(json_object(
      'id', hex(l.id), 'name', l.name, 'stage', l.stage,
      'receivedAt', strftime('%Y-%m-%dT%H:%M:%fZ', l.received_at / 1000.0, 'unixepoch'),
      'persona', (SELECT json_object('id', hex(p.id), 'name', p.name) FROM persona p WHERE p.id = l.persona_id),
      'deals', json_object('nodes', (
        SELECT json_group_array(json_object(
          'id', hex(d.id), 'name', d.name,
          'amount', CASE WHEN d.amount_minor IS NOT NULL THEN json_object(
            'amount', format('%d.%02d', d.amount_minor / 100, d.amount_minor % 100), 'currency', d.amount_currency) END,
          'closeDate', date(d.close_date * 86400, 'unixepoch')))
        FROM (
          SELECT id, name, amount_minor, amount_currency, close_date FROM deal
          WHERE lead_id = l.id AND archived_at IS NULL ORDER BY id LIMIT 5) d))))
    FROM (
      SELECT id, name, stage, received_at, persona_id FROM lead
      WHERE account_id = a.id AND archived_at IS NULL ORDER BY id LIMIT 10) l))))))
FROM (SELECT id, name FROM account WHERE archived_at IS NULL ORDER BY name_fold, id LIMIT 20) a
