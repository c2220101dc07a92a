-- How a delivery's last attempt ended stands with the delivery: lists show it, and find by it.
ALTER TABLE deliveries
  ADD COLUMN last_outcome      attempt_outcome,
  ADD COLUMN last_trigger      attempt_trigger,
  ADD COLUMN last_status_code  integer,
  ADD COLUMN last_duration_ms  integer,
  ADD COLUMN last_attempt_at   timestamptz(3);
UPDATE deliveries d SET last_outcome = a.outcome, last_trigger = a.trigger, last_status_code = a.status_code,
  last_duration_ms = a.duration_ms, last_attempt_at = a.started_at
FROM attempts a WHERE a.delivery_id = d.id AND a.number = d.attempt_count;

-- list-deliveries.ts: what is rare among many. A delivery that succeeds at its first attempt is in none of them but the first,
-- and there only until the next vacuum.
CREATE INDEX deliveries_unsettled_idx ON deliveries (account_id, status, id) WHERE status <> 'succeeded';
CREATE INDEX deliveries_outcome_idx ON deliveries (account_id, last_outcome, id) WHERE last_outcome <> 'ok';
CREATE INDEX deliveries_trigger_idx ON deliveries (account_id, last_trigger, id) WHERE last_trigger <> 'auto';
-- Of a recovery, in order.
DROP INDEX deliveries_recovery_idx;
CREATE INDEX deliveries_recovery_idx ON deliveries (recovery_id, status, id) WHERE recovery_id IS NOT NULL;
