-- The code of a failed attempt (sender/post-result.ts), so that nothing has to read the sentence in `error`. A successful
-- attempt has none, and a null takes no space in its row.
ALTER TABLE earlier_attempts ADD COLUMN error_code text;
ALTER TABLE finished_deliveries ADD COLUMN error_code text;
ALTER TABLE verification_attempts ADD COLUMN error_code text;

CREATE OR REPLACE VIEW attempts AS
SELECT account_id, subscription_id, delivery_id, id, number, trigger, outcome, status_code, started_at, duration_ms, is_late,
  dns_ms, connect_ms, tls_ms, first_byte_ms, body_bytes, signature_count, response_truncated, url, remote_address, user_agent, own_headers,
  response_headers, response_body, error, error_code
FROM earlier_attempts
UNION ALL
SELECT account_id, subscription_id, id, attempt_id, attempt_count, last_trigger, last_outcome, last_status_code, last_attempt_at,
  last_duration_ms, is_late,
  dns_ms, connect_ms, tls_ms, first_byte_ms, body_bytes, signature_count, response_truncated, url, remote_address, user_agent, own_headers,
  response_headers, response_body, error, error_code
FROM finished_deliveries WHERE attempt_id IS NOT NULL;
