-- Deliveries in two tables. A delivery is in exactly one of them:
--
--   pending_deliveries    an attempt of it is owed, or it is held. Small and hot.
--   finished_deliveries   nothing is owed of it. Written once, in slices of time like its event (packages/core/src/retention).
--
-- It moves within one statement. A finished one of which an attempt is asked for moves back until that attempt is recorded.
-- The view `deliveries` reads both.
DROP TABLE deliveries;

-- A delivery's id begins with the 8 bytes of its event's: the deliveries of an event lie together in the order of ids and in the
-- slice of their event's time, and need no index of their own. The rest is random (62 bits), so it is a UUIDv7 (RFC 9562 §5.7).
CREATE FUNCTION posthorn_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || right(gen_random_uuid()::text, 18))::uuid $$;

-- The range in which the ids of an event's deliveries lie, both ends included.
CREATE FUNCTION posthorn_first_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || '-0000-000000000000')::uuid $$;
CREATE FUNCTION posthorn_last_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || '-ffff-ffffffffffff')::uuid $$;

CREATE TABLE pending_deliveries (
  id                uuid            PRIMARY KEY,
  event_id          uuid            NOT NULL,
  subscription_id   uuid            NOT NULL,
  recovery_id       uuid,
  created_at        timestamptz(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  due_at            timestamptz(3),
  feed_at           timestamptz(3),
  completed_at      timestamptz(3),
  last_attempt_at   timestamptz(3),
  status            delivery_status NOT NULL,
  asked_trigger     attempt_trigger,
  last_outcome      attempt_outcome,
  last_trigger      attempt_trigger,
  attempt_count     integer         NOT NULL DEFAULT 0,
  failure_count     integer         NOT NULL DEFAULT 0,
  last_status_code  integer,
  last_duration_ms  integer,
  account_id        varchar(64)     NOT NULL,
  event_type        varchar(128)    NOT NULL,
  status_reason     text,
  -- Only what is pending is due, and what is pending is always found by the feeder: nothing waits unseen.
  CONSTRAINT pending_deliveries_due_check CHECK ((status = 'pending') = (due_at IS NOT NULL)),
  CONSTRAINT pending_deliveries_feed_check CHECK ((status = 'pending' OR asked_trigger IS NOT NULL) = (feed_at IS NOT NULL)),
  CONSTRAINT pending_deliveries_completed_check CHECK ((status IN ('succeeded', 'failed', 'canceled')) = (completed_at IS NOT NULL)),
  CONSTRAINT pending_deliveries_unfinished_check CHECK (feed_at IS NOT NULL OR status = 'held')
-- Rows come and go: vacuum follows their number, not a share of the table.
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX pending_deliveries_account_id_id_idx ON pending_deliveries (account_id, id);
CREATE INDEX pending_deliveries_subscription_id_id_idx ON pending_deliveries (subscription_id, id);
-- claim-due.ts: one subscription after the other, the oldest first.
CREATE INDEX pending_deliveries_feed_idx ON pending_deliveries (subscription_id, feed_at) WHERE feed_at IS NOT NULL;
-- The deliveries that the queue has, without the retries that are scheduled: how much room a subscription has left.
CREATE INDEX pending_deliveries_leased_idx ON pending_deliveries (subscription_id, feed_at) WHERE feed_at > due_at;
-- release-held.ts: what is still held although its subscription is active again.
CREATE INDEX pending_deliveries_held_idx ON pending_deliveries (subscription_id, id) WHERE status = 'held';
-- Lists of what is unusual, so few rows are in these: most deliveries succeed at the first scheduled attempt.
CREATE INDEX pending_deliveries_status_idx ON pending_deliveries (account_id, status, id) WHERE status <> 'pending';
CREATE INDEX pending_deliveries_outcome_idx ON pending_deliveries (account_id, last_outcome, id) WHERE last_outcome IS NOT NULL;
CREATE INDEX pending_deliveries_trigger_idx ON pending_deliveries (account_id, last_trigger, id) WHERE last_trigger IS NOT NULL;
-- How far a recovery is.
CREATE INDEX pending_deliveries_recovery_idx ON pending_deliveries (recovery_id, status, id) WHERE recovery_id IS NOT NULL;

CREATE TABLE finished_deliveries (
  id                uuid            PRIMARY KEY,
  event_id          uuid            NOT NULL,
  subscription_id   uuid            NOT NULL,
  recovery_id       uuid,
  created_at        timestamptz(3)  NOT NULL,
  completed_at      timestamptz(3)  NOT NULL,
  last_attempt_at   timestamptz(3),
  status            delivery_status NOT NULL,
  last_outcome      attempt_outcome,
  last_trigger      attempt_trigger,
  attempt_count     integer         NOT NULL,
  failure_count     integer         NOT NULL,
  last_status_code  integer,
  last_duration_ms  integer,
  account_id        varchar(64)     NOT NULL,
  event_type        varchar(128)    NOT NULL,
  status_reason     text,
  CONSTRAINT finished_deliveries_status_check CHECK (status IN ('succeeded', 'failed', 'canceled'))
) PARTITION BY RANGE (id);
CREATE INDEX finished_deliveries_account_id_id_idx ON finished_deliveries (account_id, id);
CREATE INDEX finished_deliveries_subscription_id_id_idx ON finished_deliveries (subscription_id, id);
-- Lists of what is unusual, so few rows are in these: most deliveries succeed at the first scheduled attempt.
CREATE INDEX finished_deliveries_status_idx ON finished_deliveries (account_id, status, id) WHERE status <> 'succeeded';
CREATE INDEX finished_deliveries_outcome_idx ON finished_deliveries (account_id, last_outcome, id) WHERE last_outcome <> 'ok';
CREATE INDEX finished_deliveries_trigger_idx ON finished_deliveries (account_id, last_trigger, id) WHERE last_trigger <> 'auto';
CREATE INDEX finished_deliveries_recovery_idx ON finished_deliveries (recovery_id, status, id) WHERE recovery_id IS NOT NULL;
CREATE TABLE finished_deliveries_other PARTITION OF finished_deliveries DEFAULT;
-- As those of events: until the day after tomorrow, the next ones are made ahead by the workers.
DO $$
DECLARE
  until uuid := posthorn_uuid_at((date_trunc('day', now() AT TIME ZONE 'UTC') + interval '2 days') AT TIME ZONE 'UTC');
BEGIN
  EXECUTE format('CREATE TABLE finished_deliveries_first PARTITION OF finished_deliveries FOR VALUES FROM (MINVALUE) TO (%L)', until);
END
$$;

CREATE VIEW deliveries AS
SELECT id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, due_at, asked_trigger, feed_at,
  created_at, completed_at, recovery_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
FROM pending_deliveries
UNION ALL
SELECT id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, NULL, NULL, NULL,
  created_at, completed_at, recovery_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
FROM finished_deliveries;

-- Most attempts are of deliveries.
DROP INDEX attempts_verification_id_idx;
CREATE INDEX attempts_verification_idx ON attempts (verification_id) WHERE verification_id IS NOT NULL;
