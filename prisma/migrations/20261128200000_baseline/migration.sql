-- The ledger of a new database: accounts and keys, the catalogue, subscriptions with their secrets and verifications,
-- events, deliveries, attempts, and further tables. schema.prisma documents the columns. What Prisma cannot express
-- (partitions, partial indexes, storage, checks, functions) is only here. packages/core/src/migrate/drift.db.test.ts
-- compares the two.
--
-- Timestamps keep their microseconds. A timestamp rounded to milliseconds can be up to 0.5 ms after the now() it came from, so
-- a delivery that is due now would not be due yet for an immediate statement.

-- Types
CREATE TYPE subscription_status AS ENUM ('unverified', 'active', 'paused', 'disabled');
CREATE TYPE subscription_ordering AS ENUM ('none', 'strict');
CREATE TYPE delivery_status AS ENUM ('pending', 'held', 'succeeded', 'failed', 'canceled');
CREATE TYPE attempt_outcome AS ENUM (
  'ok', 'http_error', 'redirect', 'timeout', 'dns_error', 'connect_error', 'tls_error', 'blocked', 'bad_response', 'aborted'
);
CREATE TYPE attempt_trigger AS ENUM ('auto', 'manual', 'test', 'replay');
CREATE TYPE verification_status AS ENUM ('pending', 'verified', 'failed');
CREATE TYPE replay_which AS ENUM ('failed', 'missed');
CREATE TYPE replay_status AS ENUM ('running', 'delivering', 'completed', 'canceled');
CREATE TYPE session_kind AS ENUM ('operator', 'account', 'portal');
CREATE TYPE actor_kind AS ENUM ('operator', 'account', 'portal', 'nobody');
CREATE TYPE stat_width AS ENUM ('minute', 'hour');

-- Functions

-- A UUIDv7 (RFC 9562 §5.7) of the database's clock, for rows of set-based statements. Postgres has uuidv7() only from
-- version 18 on.
CREATE FUNCTION posthorn_uuidv7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
          FROM 1 FOR 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid
$$;

-- The smallest UUIDv7 of a moment: older ids sort before it.
CREATE FUNCTION posthorn_uuid_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

-- A delivery's id begins with the first 8 bytes of its event's id. The deliveries of an event are thus adjacent in id
-- order, in the partition of their event's time, and need no further index. The rest is random (62 bits), so it is a
-- UUIDv7 (RFC 9562 §5.7).
CREATE FUNCTION posthorn_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || right(gen_random_uuid()::text, 18))::uuid $$;

-- The id range of an event's deliveries, both ends included.
CREATE FUNCTION posthorn_first_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || '-0000-000000000000')::uuid $$;
CREATE FUNCTION posthorn_last_delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (left(event_id::text, 18) || '-ffff-ffffffffffff')::uuid $$;

-- The dispatcher's work is divided by account (packages/core/src/dispatch/due-subscriptions.ts).
CREATE FUNCTION posthorn_shard(account_id text) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (hashtext(account_id) & 15)::smallint $$;

-- The origin of a URL as written by the WHATWG parser (lower case, punycode, no default port, no user). null: another
-- kind of URL.
CREATE FUNCTION posthorn_url_origin(url text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN substring(url FROM '^(https?://[^/?#@\\]+)/');

-- Filters of subscriptions (packages/core/src/publish/passes-filter.ts).
-- The payload of a body as jsonb. jsonb has no U+0000 and no half of a surrogate pair: U+FFFD replaces their escapes. NULL:
-- Postgres cannot read it.
CREATE FUNCTION posthorn_payload(body bytea) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT COST 1000
AS $$
DECLARE
  -- Only an escape: an odd number of backslashes.
  escape constant text := '(?<!\\)((?:\\\\)*)\\u';
  high constant text := '[dD][89abAB][0-9a-fA-F]{2}';
  low constant text := '[dD][c-fC-F][0-9a-fA-F]{2}';
  repaired text;
BEGIN
  BEGIN
    RETURN convert_from(body, 'UTF8')::jsonb -> 'payload';
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END;
  repaired := regexp_replace(convert_from(body, 'UTF8'), escape || '0000', '\1\\ufffd', 'g');
  repaired := regexp_replace(repaired, escape || high || '(?!\\u' || low || ')', '\1\\ufffd', 'g');
  repaired := regexp_replace(repaired, '(?<!\\u' || high || ')' || escape || low, '\1\\ufffd', 'g');
  RETURN repaired::jsonb -> 'payload';
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$$;

-- Whether a payload passes a filter: true if it cannot be compared, so that no event is lost.
CREATE FUNCTION posthorn_passes(payload jsonb, filter text) RETURNS boolean
LANGUAGE plpgsql STABLE COST 1000
AS $$
BEGIN
  RETURN payload IS NULL OR coalesce(payload @@ filter::jsonpath, false);
EXCEPTION WHEN OTHERS THEN
  RETURN true;
END
$$;

-- Accounts and their credentials
CREATE TABLE accounts (
  id          varchar(64)    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  name        text,
  metadata    json           NOT NULL DEFAULT '{}',
  created_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- A deleted account cannot be found any more; workers erase its rows in small steps, and its own row last.
  deleted_at  timestamptz(6)
);
CREATE INDEX accounts_created_at_id_idx ON accounts (created_at, id);
-- search/search-by-prefix.ts: accounts by how their id or name begins.
CREATE INDEX accounts_id_search_idx ON accounts ((lower(left(id, 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;
CREATE INDEX accounts_name_search_idx ON accounts ((lower(left(name, 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;

-- Progress of erasing a deleted account. Deleted with the account's row.
CREATE TABLE erasures (
  account_id varchar(64)    PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
  -- The part that is being erased, and the key of its last erased row; empty: not begun.
  part       text           NOT NULL,
  position   text           NOT NULL DEFAULT '',
  row_count  bigint         NOT NULL DEFAULT 0,
  changed_at timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE api_keys (
  id            uuid           PRIMARY KEY,
  account_id    varchar(64)    NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  name          text           NOT NULL,
  hash          bytea          NOT NULL,
  scopes        text[],
  last_used_at  timestamptz(6),
  created_at    timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX api_keys_hash_key ON api_keys (hash);
CREATE INDEX api_keys_account_id_id_idx ON api_keys (account_id, id);

-- Sessions of people who signed in with a key, and of portals that were opened for an account. Tokens are stored as
-- hashes.
CREATE TABLE sessions (
  id            uuid           PRIMARY KEY,
  kind          session_kind   NOT NULL,
  account_id    varchar(64)    REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  -- Revoking a key ends its sessions.
  key_id        uuid           REFERENCES api_keys (id) ON UPDATE CASCADE ON DELETE CASCADE,
  hash          bytea,
  link_hash     bytea,
  capabilities  text[],
  theme         json,
  lasts_seconds integer        NOT NULL,
  idle_seconds  integer,
  address       text,
  created_at    timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  last_used_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at    timestamptz(6) NOT NULL,
  -- Either its link was not opened yet, or the session is open: never both.
  CONSTRAINT sessions_hash_check CHECK (num_nonnulls(hash, link_hash) = 1),
  CONSTRAINT sessions_account_check CHECK ((kind = 'operator') = (account_id IS NULL)),
  CONSTRAINT sessions_key_check CHECK ((kind = 'account') = (key_id IS NOT NULL)),
  CONSTRAINT sessions_link_check CHECK (link_hash IS NULL OR kind IN ('portal', 'operator'))
);
CREATE UNIQUE INDEX sessions_hash_key ON sessions (hash);
CREATE UNIQUE INDEX sessions_link_hash_key ON sessions (link_hash);
CREATE INDEX sessions_account_id_idx ON sessions (account_id);
CREATE INDEX sessions_key_id_idx ON sessions (key_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- Wrong keys of an address within the current minute.
CREATE TABLE login_limits (
  caller  varchar(64)    PRIMARY KEY,
  count   integer        NOT NULL,
  since   timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Who changed what. No foreign keys: entries outlive their account, key and session.
CREATE TABLE audit_entries (
  id           uuid           PRIMARY KEY,
  actor        actor_kind     NOT NULL,
  actor_id     text,
  actor_name   text,
  account_id   varchar(64),
  action       text           NOT NULL,
  target_type  text           NOT NULL,
  target_id    text,
  changes      json           NOT NULL DEFAULT '{}',
  request_id   text           NOT NULL,
  address      text           NOT NULL,
  created_at   timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- Written before the change and completed after it. null: the outcome is unknown.
  done_at      timestamptz(6)
);
CREATE INDEX audit_entries_account_id_id_idx ON audit_entries (account_id, id);
-- ?action= and ?actor=, of an account and of all: few entries among many.
CREATE INDEX audit_entries_account_id_action_id_idx ON audit_entries (account_id, action, id);
CREATE INDEX audit_entries_account_id_actor_id_idx ON audit_entries (account_id, actor, id);
CREATE INDEX audit_entries_action_id_idx ON audit_entries (action, id);
CREATE INDEX audit_entries_actor_id_idx ON audit_entries (actor, id);
-- GET …/audit?actorId=: the entries of one key.
CREATE INDEX audit_entries_actor_id_id_idx ON audit_entries (actor_id, id);

-- The catalogue: event types that may be published
CREATE TABLE event_types (
  name         varchar(128)   PRIMARY KEY,
  description  text,
  example      json,
  schema       json,
  deprecated   boolean        NOT NULL DEFAULT false,
  created_at   timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at   timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Lists are newest first; these come after the operational event types below.
INSERT INTO event_types (name, description, example, created_at) VALUES
  ('message:created', 'A message was created, on any channel: by a customer, an agent or a bot.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","attachments":[],"body":"Hey there!","content_type":"text","conversation_id":"22222222-2222-4222-8222-222222222222","created_at":"2021-02-24T00:10:45","customer_id":null,"id":"44444444-4444-4444-8444-444444444444","metadata":null,"object":"message","private":false,"seen_at":null,"sent_at":"2021-02-24T00:10:45Z","source":"chat","type":"reply","user":null,"user_id":null}', now() - interval '1 second'),
  ('conversation:created', 'A conversation was opened.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","assignee_id":null,"closed_at":null,"created_at":"2021-02-24T00:20:30","customer_id":"33333333-3333-4333-8333-333333333333","id":"22222222-2222-4222-8222-222222222222","inbox_id":null,"last_activity_at":null,"metadata":null,"object":"conversation","priority":"not_priority","read":false,"source":"chat","status":"open","subject":null}', now() - interval '1 second'),
  ('conversation:updated', 'A conversation changed: it was read, assigned, closed or reopened. Carries the whole conversation.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","assignee_id":1,"closed_at":"2021-02-25T20:10:00Z","created_at":"2021-02-24T00:20:30","customer_id":"33333333-3333-4333-8333-333333333333","id":"22222222-2222-4222-8222-222222222222","inbox_id":null,"last_activity_at":"2021-02-25T20:09:00Z","metadata":null,"object":"conversation","priority":"not_priority","read":true,"source":"chat","status":"closed","subject":null}', now() - interval '1 second');

-- Operational events (packages/contract/src/operational-event.ts), for the operations account only.
INSERT INTO event_types (name, description, example) VALUES
  ('subscription:disabled', 'A subscription was disabled: through the API, because every attempt failed for too long, or because its endpoint requested it. Also sent to other subscriptions of the same account that name this type.',
   '{"accountId":"acme","subscriptionId":"sub_01jd4q8y3ne9mav5w2xkq7rf0c","endpointHost":"hooks.acme.example","reason":"failing","failingSince":"2026-11-16T18:55:00.000Z","at":"2026-11-21T18:55:00.000Z","advice":"Every attempt failed for too long. Ask the owner to fix the endpoint, then resume the subscription and replay failed and missed events."}'),
  ('subscription:failing', 'Every attempt of a subscription fails, and it will be disabled if this continues. Sent after half and after three quarters of the time. Also sent to other subscriptions of the same account that name this type.',
   '{"accountId":"acme","subscriptionId":"sub_01jd4q8y3ne9mav5w2xkq7rf0c","endpointHost":"hooks.acme.example","percent":50,"failingSince":"2026-11-19T06:55:00.000Z","at":"2026-11-21T18:55:00.000Z","advice":"Every attempt fails, and the subscription will be disabled if this continues. Ask its owner to check the latest attempts."}'),
  ('subscription:recovered', 'A failing subscription that operators were warned about is receiving events again. Sent only to subscriptions of the operations account.',
   '{"accountId":"acme","subscriptionId":"sub_01jd4q8y3ne9mav5w2xkq7rf0c","endpointHost":"hooks.acme.example","at":"2026-11-21T18:55:00.000Z","advice":"The subscription is receiving events again. Replay the deliveries that failed in the meantime."}'),
  ('delivery:failed', 'A delivery failed after its last attempt. Also sent to other subscriptions of the same account that name this type.',
   '{"accountId":"acme","subscriptionId":"sub_01jd4q8y3ne9mav5w2xkq7rf0c","endpointHost":"hooks.acme.example","deliveryId":"dlv_01jd4q8y3ne9mav5w2xkq7rf0c","eventId":"evt_01jd4q8y3ne9mav5w2xkq7rf0c","eventType":"message:created","reason":"exhausted","attemptCount":12,"lastAttempt":{"number":12,"outcome":"http_error","statusCode":503,"startedAt":"2026-11-21T18:54:59.700Z"},"at":"2026-11-21T18:55:00.000Z","advice":"The endpoint returned 503 for the last attempt. Ask the owner to fix the endpoint, then retry this delivery or replay all failed deliveries."}');

-- Subscriptions
CREATE TABLE subscriptions (
  id                      uuid                PRIMARY KEY,
  account_id              varchar(64)         NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  url                     text                NOT NULL,
  pending_url             text,
  events                  text[],
  scope                   text,
  description             text,
  headers_sealed          bytea,
  metadata                json                NOT NULL DEFAULT '{}',
  status                  subscription_status NOT NULL DEFAULT 'unverified',
  status_reason           text,
  status_changed_at       timestamptz(6)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  verification_id         uuid,
  failing_since           timestamptz(6),
  created_at              timestamptz(6)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at              timestamptz(6)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted_at              timestamptz(6),
  -- So that no subscription delays others: a capacity, a circuit breaker and a rate limit.
  rate_limit              integer             CHECK (rate_limit BETWEEN 1 AND 10000),
  next_slot_at            timestamptz(6),
  -- strict: one delivery at a time, in the order of publish (packages/core/src/deliveries/strict-order.ts).
  ordering                subscription_ordering NOT NULL DEFAULT 'none',
  -- NULL: the operator's default (packages/core/src/deliver/retry-policy.ts). Prisma has no arrays that may be NULL, so it is JSON.
  retry_schedule          json                CHECK (json_typeof(retry_schedule) = 'array'),
  timeout_ms              integer             CHECK (timeout_ms BETWEEN 100 AND 120000),
  -- A condition on payloads (packages/core/src/publish/passes-filter.ts); NULL: all events pass.
  filter                  text                CHECK (length(filter) <= 1000),
  concurrency_limit       integer             NOT NULL DEFAULT 1000 CHECK (concurrency_limit BETWEEN 1 AND 1000),
  concurrency_set_at      timestamptz(6),
  failure_streak          integer             NOT NULL DEFAULT 0,
  circuit_opened_count    integer             NOT NULL DEFAULT 0,
  circuit_open_until      timestamptz(6),
  probe_id                uuid,
  -- The last warning sent to operators, in percent of the time until it is disabled: 0, 50 or 75.
  failing_warned          integer             NOT NULL DEFAULT 0 CHECK (failing_warned IN (0, 50, 75)),
  -- Disabling cancels pending deliveries, or holds them until the subscription is resumed.
  holds_when_disabled     boolean             NOT NULL DEFAULT false,
  headers_origin          text,
  pending_headers_sealed  bytea,
  pending_headers_origin  text,
  -- Header values belong to the origin (scheme, host, port) that they were entered for: no statement can combine a URL
  -- with values of another origin.
  CONSTRAINT subscriptions_headers_origin_check CHECK (
    (headers_sealed IS NULL) = (headers_origin IS NULL)
    AND (headers_origin IS NULL OR headers_origin IS NOT DISTINCT FROM posthorn_url_origin(url))),
  CONSTRAINT subscriptions_pending_headers_origin_check CHECK (
    (pending_headers_sealed IS NULL) = (pending_headers_origin IS NULL)
    AND (pending_headers_origin IS NULL OR pending_headers_origin IS NOT DISTINCT FROM posthorn_url_origin(pending_url)))
);
CREATE UNIQUE INDEX subscriptions_verification_id_key ON subscriptions (verification_id);
CREATE INDEX subscriptions_account_id_id_idx ON subscriptions (account_id, id);
-- Counts and lists the subscriptions of an account, without deleted ones.
CREATE INDEX subscriptions_account_id_id_live_idx ON subscriptions (account_id, id) WHERE deleted_at IS NULL;
-- publish/passes-filter.ts: whether an account has filters. Empty while no subscription has one.
CREATE INDEX subscriptions_filtered_idx ON subscriptions (account_id) WHERE filter IS NOT NULL AND deleted_at IS NULL;
-- search/search-by-prefix.ts: subscriptions by how their URL or description begins, of all accounts and of one.
CREATE INDEX subscriptions_url_search_idx ON subscriptions
  ((lower(left(regexp_replace(url, '^https?://', ''), 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_description_search_idx ON subscriptions
  ((lower(left(description, 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_account_url_search_idx ON subscriptions
  (account_id, (lower(left(regexp_replace(url, '^https?://', ''), 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_account_description_search_idx ON subscriptions
  (account_id, (lower(left(description, 100)) COLLATE "C"), id) WHERE deleted_at IS NULL;
-- attention/list-attention.ts: the few subscriptions that need attention, the newest problem first.
CREATE INDEX subscriptions_attention_idx ON subscriptions
  ((CASE WHEN status = 'active' THEN failing_since ELSE status_changed_at END), id)
  WHERE deleted_at IS NULL
    AND (status = 'unverified' OR status = 'active' AND failing_since IS NOT NULL OR status = 'disabled' AND status_reason <> 'manual');
CREATE INDEX subscriptions_account_attention_idx ON subscriptions
  (account_id, (CASE WHEN status = 'active' THEN failing_since ELSE status_changed_at END), id)
  WHERE deleted_at IS NULL
    AND (status = 'unverified' OR status = 'active' AND failing_since IS NOT NULL OR status = 'disabled' AND status_reason <> 'manual');

-- Subscriptions whose pending deliveries may not follow their state (packages/core/src/settle/settle-step.ts).
CREATE TABLE settlements (
  subscription_id  uuid           PRIMARY KEY REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  changed_at       timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  walk_at          timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  due_at           timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  position         uuid
);
-- settle-step.ts: the one that has been due for longest.
CREATE INDEX settlements_due_idx ON settlements (due_at);

CREATE TABLE secrets (
  id               uuid           PRIMARY KEY,
  subscription_id  uuid           NOT NULL REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  key_id           varchar(16)    NOT NULL,
  sealed           bytea          NOT NULL,
  created_at       timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at       timestamptz(6)
);
CREATE INDEX secrets_subscription_id_idx ON secrets (subscription_id);
-- A subscription has one current secret, even after concurrent rotations.
CREATE UNIQUE INDEX secrets_current_key ON secrets (subscription_id) WHERE expires_at IS NULL;

CREATE TABLE verifications (
  id               uuid                PRIMARY KEY,
  account_id       varchar(64)         NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  subscription_id  uuid                REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  url              text                NOT NULL,
  status           verification_status NOT NULL DEFAULT 'pending',
  reason           text,
  status_code      integer,
  duration_ms      integer,
  response_body    bytea,
  attempt_count    integer             NOT NULL DEFAULT 0,
  checked_at       timestamptz(6),
  leased_until     timestamptz(6),
  created_at       timestamptz(6)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  -- Why the last attempt failed, and what to do.
  error            text
);
CREATE INDEX verifications_account_id_created_at_idx ON verifications (account_id, created_at);
CREATE INDEX verifications_subscription_id_idx ON verifications (subscription_id);
-- lease-due.ts
CREATE INDEX verifications_leased_until_idx ON verifications (leased_until) WHERE leased_until IS NOT NULL;
ALTER TABLE subscriptions
  ADD FOREIGN KEY (verification_id) REFERENCES verifications (id) ON UPDATE CASCADE ON DELETE SET NULL;

CREATE TABLE idempotency_keys (
  account_id  varchar(64)    NOT NULL,
  key         varchar(255)   NOT NULL,
  event_id    uuid           NOT NULL,
  body_hash   bytea          NOT NULL,
  created_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- Events and finished deliveries are partitioned by their ids, and earlier attempts by their deliveries' ids, thus by
-- time: old rows are deleted with their partition (packages/core/src/retention). A row without a partition for its time
-- goes into `…_other`, so no insert fails.
CREATE TABLE events (
  id              uuid           NOT NULL,
  account_id      varchar(64)    NOT NULL,
  type            varchar(128)   NOT NULL,
  body            bytea          NOT NULL,
  delivery_count  integer        NOT NULL,
  created_at      timestamptz(6) NOT NULL,
  -- Without deliveries, or (a test event) for one subscription only: replays skip it.
  suppressed      boolean        NOT NULL DEFAULT false,
  PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

-- Events whose deliveries workers write (packages/core/src/publish/expand-fan-outs.ts).
CREATE TABLE fan_outs (
  event_id      uuid           PRIMARY KEY,
  account_id    varchar(64)    NOT NULL,
  event_type    varchar(128)   NOT NULL,
  expected      integer        NOT NULL,
  written       integer        NOT NULL DEFAULT 0,
  position      uuid,
  created_at    timestamptz(6) NOT NULL,
  completed_at  timestamptz(6),
  -- Its place in the order of publish: created_at of its deliveries.
  published_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX fan_outs_account_id_event_id_idx ON fan_outs (account_id, event_id);
-- Fan-outs that are expanding.
CREATE INDEX fan_outs_expanding_idx ON fan_outs (account_id, event_id) WHERE completed_at IS NULL;

-- Deliveries in two tables. A delivery is in exactly one of them:
--
--   pending_deliveries    held, or with an attempt pending. Small and hot.
--   finished_deliveries   without a pending attempt. Written once, in partitions by time like its event.
--
-- One statement moves it. A finished delivery with a requested attempt moves back until that attempt is recorded. The
-- view `deliveries` reads both.
CREATE TABLE pending_deliveries (
  id                uuid            PRIMARY KEY,
  event_id          uuid            NOT NULL,
  subscription_id   uuid            NOT NULL,
  replay_id         uuid,
  created_at        timestamptz(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  due_at            timestamptz(6),
  leased_until      timestamptz(6),
  completed_at      timestamptz(6),
  last_attempt_at   timestamptz(6),
  status            delivery_status NOT NULL,
  requested_trigger     attempt_trigger,
  last_outcome      attempt_outcome,
  last_trigger      attempt_trigger,
  attempt_count     integer         NOT NULL DEFAULT 0,
  failure_count     integer         NOT NULL DEFAULT 0,
  last_status_code  integer,
  last_duration_ms  integer,
  account_id        varchar(64)     NOT NULL,
  event_type        varchar(128)    NOT NULL,
  status_reason     text,
  -- Only pending deliveries are due. Every row that needs an attempt has `due_at` or a lease, so the dispatcher finds
  -- it.
  CONSTRAINT pending_deliveries_due_check CHECK ((status = 'pending') = (due_at IS NOT NULL)),
  CONSTRAINT pending_deliveries_leased_check CHECK (status = 'pending' OR (requested_trigger IS NOT NULL) = (leased_until IS NOT NULL)),
  CONSTRAINT pending_deliveries_completed_check CHECK ((status IN ('succeeded', 'failed', 'canceled')) = (completed_at IS NOT NULL)),
  CONSTRAINT pending_deliveries_unfinished_check CHECK (status IN ('pending', 'held') OR requested_trigger IS NOT NULL)
-- Rows are short-lived: vacuum by their number, not by a share of the table.
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX pending_deliveries_account_id_id_idx ON pending_deliveries (account_id, id);
CREATE INDEX pending_deliveries_subscription_id_id_idx ON pending_deliveries (subscription_id, id);
-- lease-due.ts: for a subscription, the leased deliveries (for its free capacity), ended leases, and waiting
-- deliveries, the oldest first.
CREATE INDEX pending_deliveries_dispatch_idx ON pending_deliveries (subscription_id, leased_until, due_at);
-- release-deliveries.ts, find-unsettled.ts: held deliveries of one and of all subscriptions.
CREATE INDEX pending_deliveries_held_idx ON pending_deliveries (subscription_id, id) WHERE status = 'held';
-- Lists of unusual deliveries. These indexes are small, because most deliveries finish with their first attempt.
CREATE INDEX pending_deliveries_status_idx ON pending_deliveries (account_id, status, id) WHERE status <> 'pending';
CREATE INDEX pending_deliveries_outcome_idx ON pending_deliveries (account_id, last_outcome, id) WHERE last_outcome IS NOT NULL;
CREATE INDEX pending_deliveries_trigger_idx ON pending_deliveries (account_id, last_trigger, id) WHERE last_trigger <> 'auto';
-- The progress of a replay.
CREATE INDEX pending_deliveries_replay_idx ON pending_deliveries (replay_id, status, id) WHERE replay_id IS NOT NULL;

-- When the dispatcher must look at a subscription (packages/core/src/dispatch/due-subscriptions.ts). The triggers below
-- and the dispatcher insert entries, the dispatcher deletes due ones. Entries are never updated.
CREATE TABLE due_subscriptions (
  shard            smallint        NOT NULL,
  due_at           timestamptz(6)  NOT NULL,
  subscription_id  uuid            NOT NULL,
  account_id       varchar(64)     NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
-- lease-due.ts: the due entries of a shard.
CREATE INDEX due_subscriptions_shard_due_at_idx ON due_subscriptions (shard, due_at);
-- Finds whether a subscription has an entry that is early enough. Also for erase-accounts.ts.
CREATE INDEX due_subscriptions_account_id_subscription_id_due_at_idx ON due_subscriptions (account_id, subscription_id, due_at);

-- For each pending delivery, its subscription has an entry that is due when its lease ends, or without a lease when its
-- attempt is due, or earlier. Most statements insert none: their deliveries are leased for a minute, and an entry of
-- the last half minute is early enough. Entries that are due sooner do not count, because the dispatcher may delete
-- them before this transaction is visible.
CREATE FUNCTION posthorn_add_due_subscriptions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id)
  SELECT posthorn_shard(c.account_id), c.due_at, c.subscription_id, c.account_id
  FROM (
    SELECT account_id, subscription_id, min(coalesce(leased_until, due_at)) AS due_at FROM changed GROUP BY account_id, subscription_id
  ) c
  -- A scalar subquery with ORDER BY guarantees one index probe each, whatever statistics the plan was made with.
  WHERE c.due_at IS NOT NULL AND (
    SELECT true FROM due_subscriptions e
    WHERE e.account_id = c.account_id AND e.subscription_id = c.subscription_id
      AND e.due_at >= clock_timestamp() + interval '30 seconds' AND e.due_at <= c.due_at
    ORDER BY e.due_at LIMIT 1
  ) IS NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER pending_deliveries_inserted AFTER INSERT ON pending_deliveries
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION posthorn_add_due_subscriptions();
CREATE TRIGGER pending_deliveries_updated AFTER UPDATE ON pending_deliveries
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION posthorn_add_due_subscriptions();

-- The dispatcher looks at deliveries behind an open circuit when its open time ends. A circuit that closes or
-- half-opens earlier needs an earlier look.
CREATE FUNCTION posthorn_add_due_subscription() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id)
  VALUES (posthorn_shard(NEW.account_id), coalesce(NEW.circuit_open_until, now()), NEW.id, NEW.account_id);
  RETURN NULL;
END
$$;
CREATE TRIGGER subscriptions_circuit_changed AFTER UPDATE ON subscriptions
  FOR EACH ROW WHEN (OLD.circuit_open_until > coalesce(NEW.circuit_open_until, '-infinity'))
  EXECUTE FUNCTION posthorn_add_due_subscription();

-- Most deliveries succeed at the first attempt, so a finished delivery and its last attempt share a row: the last_…
-- columns, and those from attempt_id on. attempt_id null: the last attempt, if any, is in earlier_attempts (the
-- delivery was canceled afterwards).
CREATE TABLE finished_deliveries (
  id                  uuid            PRIMARY KEY,
  event_id            uuid            NOT NULL,
  subscription_id     uuid            NOT NULL,
  replay_id           uuid,
  attempt_id          uuid,
  created_at          timestamptz(6)  NOT NULL,
  completed_at        timestamptz(6)  NOT NULL,
  last_attempt_at     timestamptz(6),
  status              delivery_status NOT NULL,
  last_outcome        attempt_outcome,
  last_trigger        attempt_trigger,
  attempt_count       integer         NOT NULL,
  failure_count       integer         NOT NULL,
  last_status_code    integer,
  last_duration_ms    integer,
  dns_ms              integer,
  connect_ms          integer,
  tls_ms              integer,
  first_byte_ms       integer,
  body_bytes          integer,
  signature_count     smallint,
  response_truncated  boolean,
  is_late             boolean,
  account_id          varchar(64)     NOT NULL,
  event_type          varchar(128)    NOT NULL,
  status_reason       text,
  url                 text,
  remote_address      text,
  user_agent          text,
  own_headers         text,
  response_headers    json,
  response_body       bytea,
  error               text,
  CONSTRAINT finished_deliveries_status_check CHECK (status IN ('succeeded', 'failed', 'canceled'))
) PARTITION BY RANGE (id);
CREATE INDEX finished_deliveries_account_id_id_idx ON finished_deliveries (account_id, id);
CREATE INDEX finished_deliveries_subscription_id_id_idx ON finished_deliveries (subscription_id, id);
-- Lists of unusual deliveries. These indexes are small, because most deliveries succeed at the first scheduled attempt.
CREATE INDEX finished_deliveries_status_idx ON finished_deliveries (account_id, status, id) WHERE status <> 'succeeded';
CREATE INDEX finished_deliveries_outcome_idx ON finished_deliveries (account_id, last_outcome, id) WHERE last_outcome <> 'ok';
CREATE INDEX finished_deliveries_trigger_idx ON finished_deliveries (account_id, last_trigger, id) WHERE last_trigger <> 'auto';
CREATE INDEX finished_deliveries_replay_idx ON finished_deliveries (replay_id, status, id) WHERE replay_id IS NOT NULL;
-- Like earlier_attempts_late_idx.
CREATE INDEX finished_deliveries_late_idx ON finished_deliveries (attempt_id) WHERE is_late;

CREATE VIEW deliveries AS
SELECT id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, due_at, requested_trigger, leased_until,
  created_at, completed_at, replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
FROM pending_deliveries
UNION ALL
SELECT id, account_id, event_id, event_type, subscription_id, status, status_reason, attempt_count, failure_count, NULL, NULL, NULL,
  created_at, completed_at, replay_id, last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
FROM finished_deliveries;

-- Attempts that did not finish their delivery, each in the partition of its delivery. The key also prevents recording a
-- number twice.
CREATE TABLE earlier_attempts (
  started_at          timestamptz(6)  NOT NULL,
  delivery_id         uuid            NOT NULL,
  id                  uuid            NOT NULL,
  subscription_id     uuid            NOT NULL,
  number              integer         NOT NULL,
  trigger             attempt_trigger NOT NULL,
  outcome             attempt_outcome NOT NULL,
  status_code         integer,
  duration_ms         integer         NOT NULL,
  dns_ms              integer,
  connect_ms          integer,
  tls_ms              integer,
  first_byte_ms       integer,
  body_bytes          integer,
  signature_count     smallint,
  response_truncated  boolean         NOT NULL,
  is_late             boolean         NOT NULL DEFAULT false,
  account_id          varchar(64)     NOT NULL,
  url                 text            NOT NULL,
  remote_address      text,
  user_agent          text,
  own_headers         text,
  response_headers    json,
  response_body       bytea,
  error               text,
  PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);
-- Late attempts (packages/core/src/deliveries/late-attempts.ts).
CREATE INDEX earlier_attempts_late_idx ON earlier_attempts (id) WHERE is_late;

-- All attempts of deliveries.
CREATE VIEW attempts AS
SELECT account_id, subscription_id, delivery_id, id, number, trigger, outcome, status_code, started_at, duration_ms, is_late,
  dns_ms, connect_ms, tls_ms, first_byte_ms, body_bytes, signature_count, response_truncated, url, remote_address, user_agent, own_headers,
  response_headers, response_body, error
FROM earlier_attempts
UNION ALL
SELECT account_id, subscription_id, id, attempt_id, attempt_count, last_trigger, last_outcome, last_status_code, last_attempt_at,
  last_duration_ms, is_late,
  dns_ms, connect_ms, tls_ms, first_byte_ms, body_bytes, signature_count, response_truncated, url, remote_address, user_agent, own_headers,
  response_headers, response_body, error
FROM finished_deliveries WHERE attempt_id IS NOT NULL;

-- Attempts of verifications: few, so they need no partitions. Deleted with their verification.
CREATE TABLE verification_attempts (
  id                  uuid            PRIMARY KEY,
  verification_id     uuid            NOT NULL REFERENCES verifications (id) ON UPDATE CASCADE ON DELETE CASCADE,
  number              integer         NOT NULL,
  outcome             attempt_outcome NOT NULL,
  status_code         integer,
  started_at          timestamptz(6)  NOT NULL,
  duration_ms         integer         NOT NULL,
  dns_ms              integer,
  connect_ms          integer,
  tls_ms              integer,
  first_byte_ms       integer,
  url                 text            NOT NULL,
  remote_address      text,
  user_agent          text,
  body_bytes          integer,
  signature_count     smallint,
  own_headers         text,
  response_headers    json,
  response_body       bytea,
  response_truncated  boolean         NOT NULL,
  error               text
);
CREATE UNIQUE INDEX verification_attempts_verification_id_number_key ON verification_attempts (verification_id, number);

-- The first partitions cover the time until the day after tomorrow. Workers create later ones ahead of time.
DO $$
DECLARE
  until uuid := posthorn_uuid_at((date_trunc('day', now() AT TIME ZONE 'UTC') + interval '2 days') AT TIME ZONE 'UTC');
  partitioned text;
BEGIN
  FOREACH partitioned IN ARRAY ARRAY['events', 'finished_deliveries', 'earlier_attempts'] LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)', partitioned || '_first', partitioned, until);
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', partitioned || '_other', partitioned);
  END LOOP;
END
$$;

-- A replay sends deliveries again, or events that were missed, in the background, step by step (packages/core/src/replays/replay.ts).
CREATE TABLE replays (
  id                        uuid            PRIMARY KEY,
  -- null: started by operators, for account_ids or for all accounts.
  account_id                varchar(64)     REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  which                     replay_which    NOT NULL,
  since                     timestamptz(6)  NOT NULL,
  until                     timestamptz(6)  NOT NULL,
  -- The filters. An empty array matches all.
  account_ids               text[],
  subscription_ids          uuid[],
  event_types               text[],
  event_id                  uuid,
  statuses                  delivery_status[],
  outcomes                  attempt_outcome[],
  status                    replay_status   NOT NULL DEFAULT 'running',
  matched                   integer         NOT NULL,
  has_more                  boolean         NOT NULL,
  queued                    integer         NOT NULL DEFAULT 0,
  delivered                 integer         NOT NULL DEFAULT 0,
  failed                    integer         NOT NULL DEFAULT 0,
  pending                   integer         NOT NULL DEFAULT 0,
  position_account_id       varchar(64),
  position_subscription_id  uuid,
  position                  uuid,
  created_at                timestamptz(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  advanced_at               timestamptz(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  tally_at                  timestamptz(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at                  timestamptz(6),
  settled_at                timestamptz(6),
  CONSTRAINT replays_ended_check CHECK ((status IN ('running', 'delivering')) = (ended_at IS NULL)),
  -- A completed replay has no pending deliveries.
  CONSTRAINT replays_completed_check CHECK (status <> 'completed' OR (settled_at IS NOT NULL AND pending = 0))
);
CREATE INDEX replays_account_id_id_idx ON replays (account_id, id);
-- advance-replays.ts, start-replay.ts: the running ones, of all and of an account.
CREATE INDEX replays_running_idx ON replays (advanced_at) WHERE status = 'running';
CREATE INDEX replays_account_running_idx ON replays (account_id) WHERE status = 'running';
-- tally-replays.ts: those whose deliveries are not all finished.
CREATE INDEX replays_unsettled_idx ON replays (tally_at) WHERE settled_at IS NULL;

-- Operational events that are not published yet. The statement that makes a change also writes its operational event,
-- so none is lost in a crash.
CREATE TABLE operational_events (
  id               uuid           PRIMARY KEY,
  type             varchar(128)   NOT NULL,
  account_id       varchar(64)    NOT NULL,
  subscription_id  uuid           NOT NULL,
  delivery_id      uuid,
  detail           json           NOT NULL DEFAULT '{}',
  created_at       timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Who gets emails about the webhooks of an account (packages/core/src/emails). A removed row stays for a day, so that nobody can make us
-- send one address many confirmations.
CREATE TABLE email_recipients (
  id            uuid           PRIMARY KEY,
  account_id    varchar(64)    NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  address       text           NOT NULL,
  -- In the links of each email, which work without a sign-in. It can only confirm or unsubscribe this address.
  token         text           NOT NULL,
  created_at    timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  confirmed_at  timestamptz(6),
  removed_at    timestamptz(6)
);
CREATE UNIQUE INDEX email_recipients_account_id_address_key ON email_recipients (account_id, address);
CREATE UNIQUE INDEX email_recipients_token_key ON email_recipients (token);

-- Emails that were not sent yet. A worker moves due_at into the future before it sends one, and deletes the row afterwards.
CREATE TABLE pending_emails (
  id             uuid           PRIMARY KEY,
  recipient_id   uuid           NOT NULL REFERENCES email_recipients (id) ON UPDATE CASCADE ON DELETE CASCADE,
  kind           varchar(128)   NOT NULL,
  detail         json           NOT NULL DEFAULT '{}',
  attempt_count  integer        NOT NULL DEFAULT 0,
  due_at         timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  created_at     timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX pending_emails_due_at_idx ON pending_emails (due_at);
CREATE INDEX pending_emails_recipient_id_idx ON pending_emails (recipient_id);

-- Worker processes. Each one reports here every few seconds that it is alive.
CREATE TABLE workers (
  id uuid PRIMARY KEY,
  hostname text NOT NULL,
  version text NOT NULL,
  started_at timestamptz(6) NOT NULL,
  seen_at timestamptz(6) NOT NULL,
  last_job_at timestamptz(6),
  last_dispatch_at timestamptz(6)
);

-- Statistics (packages/core/src/stats). The hot statements insert rows into stat_deltas, which are never updated and
-- have no index, so the statements never wait for each other. Workers fold these rows into stats every few seconds,
-- shard by shard.

-- One row per statement and combination of values. outcome null: accepted events (subscription_id is null too).
CREATE TABLE stat_deltas (
  account_id       varchar(64)     NOT NULL,
  subscription_id  uuid,
  event_type       varchar(128)    NOT NULL,
  at               timestamptz(0)  NOT NULL,
  count            integer         NOT NULL,
  outcome          attempt_outcome,
  status_code      integer,
  duration_bucket  smallint,
  ended            delivery_status
) PARTITION BY LIST (posthorn_shard(account_id));

-- One partition per shard: a fold reads the rows of its shard from the first on and needs no index.
DO $$
BEGIN
  FOR shard IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF stat_deltas FOR VALUES IN (%s)
      WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)', 'stat_deltas_' || shard, shard);
  END LOOP;
END
$$;

-- Counts of a minute (of an account and of all) or an hour (also of a subscription) from `at` on, by event type and
-- status code. account_id '' means all accounts; subscription_id of zeros means all of the account's; status_code 0
-- means none. null is 0 and uses no space.
CREATE TABLE stats (
  width            stat_width      NOT NULL,
  account_id       varchar(64)     NOT NULL,
  subscription_id  uuid            NOT NULL,
  at               timestamptz(0)  NOT NULL,
  event_type       varchar(128)    NOT NULL,
  status_code      integer         NOT NULL,
  -- Accepted events and ended deliveries.
  accepted integer, succeeded integer, failed integer,
  -- Attempts by outcome.
  ok integer, http_error integer, redirect integer, timeout integer, dns_error integer, connect_error integer, tls_error integer,
  blocked integer, bad_response integer, aborted integer,
  -- Attempts by duration: four buckets per doubling (stat.ts).
  ms_0 integer, ms_1 integer, ms_2 integer, ms_3 integer, ms_4 integer, ms_5 integer, ms_6 integer, ms_7 integer,
  ms_8 integer, ms_9 integer, ms_10 integer, ms_11 integer, ms_12 integer, ms_13 integer, ms_14 integer, ms_15 integer,
  ms_16 integer, ms_17 integer, ms_18 integer, ms_19 integer, ms_20 integer, ms_21 integer, ms_22 integer, ms_23 integer,
  ms_24 integer, ms_25 integer, ms_26 integer, ms_27 integer, ms_28 integer, ms_29 integer, ms_30 integer, ms_31 integer,
  ms_32 integer, ms_33 integer, ms_34 integer, ms_35 integer, ms_36 integer, ms_37 integer, ms_38 integer, ms_39 integer,
  ms_40 integer, ms_41 integer, ms_42 integer, ms_43 integer, ms_44 integer, ms_45 integer, ms_46 integer, ms_47 integer,
  ms_48 integer, ms_49 integer, ms_50 integer, ms_51 integer, ms_52 integer, ms_53 integer, ms_54 integer, ms_55 integer,
  ms_56 integer, ms_57 integer, ms_58 integer, ms_59 integer, ms_60 integer, ms_61 integer, ms_62 integer, ms_63 integer,
  ms_64 integer, ms_65 integer, ms_66 integer, ms_67 integer, ms_68 integer,
  PRIMARY KEY (width, account_id, subscription_id, at, event_type, status_code)
) WITH (fillfactor = 70);
-- drop-old-stats.ts
CREATE INDEX stats_width_at_idx ON stats (width, at);
