-- The ledger: accounts and keys, the catalogue, subscriptions with their secrets and verifications, events, deliveries, attempts.

CREATE TYPE subscription_status AS ENUM ('unverified', 'active', 'paused', 'disabled');
CREATE TYPE delivery_status AS ENUM ('pending', 'held', 'succeeded', 'failed', 'canceled');
CREATE TYPE attempt_outcome AS ENUM (
  'ok', 'http_error', 'redirect', 'timeout', 'dns_error', 'connect_error', 'tls_error', 'blocked', 'bad_response', 'aborted'
);
CREATE TYPE attempt_trigger AS ENUM ('auto', 'manual', 'test', 'recovery');
CREATE TYPE verification_status AS ENUM ('pending', 'verified', 'failed');

-- A UUIDv7 (RFC 9562 §5.7) of the database's clock, for rows that a set-based statement makes. Postgres has uuidv7() from 18 on; 15 is supported.
CREATE FUNCTION posthorn_uuidv7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
          FROM 1 FOR 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid
$$;

CREATE TABLE accounts (
  id          varchar(64)    PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  name        text,
  metadata    json           NOT NULL DEFAULT '{}',
  created_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX accounts_created_at_id_idx ON accounts (created_at, id);

CREATE TABLE api_keys (
  id            uuid           PRIMARY KEY,
  account_id    varchar(64)    NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  name          text           NOT NULL,
  hash          bytea          NOT NULL,
  scopes        text[],
  last_used_at  timestamptz(3),
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX api_keys_hash_key ON api_keys (hash);
CREATE INDEX api_keys_account_id_id_idx ON api_keys (account_id, id);

CREATE TABLE event_types (
  name         varchar(128)   PRIMARY KEY,
  description  text,
  example      json,
  schema       json,
  deprecated   boolean        NOT NULL DEFAULT false,
  created_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE subscriptions (
  id                 uuid                PRIMARY KEY,
  account_id         varchar(64)         NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  url                text                NOT NULL,
  pending_url        text,
  events             text[],
  scope              text,
  description        text,
  headers_sealed     bytea,
  metadata           json                NOT NULL DEFAULT '{}',
  status             subscription_status NOT NULL DEFAULT 'unverified',
  status_reason      text,
  status_changed_at  timestamptz(3)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  verification_id    uuid,
  failing_since      timestamptz(3),
  created_at         timestamptz(3)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at         timestamptz(3)      NOT NULL DEFAULT CURRENT_TIMESTAMP,
  deleted_at         timestamptz(3)
);
CREATE UNIQUE INDEX subscriptions_verification_id_key ON subscriptions (verification_id);
CREATE INDEX subscriptions_account_id_id_idx ON subscriptions (account_id, id);

CREATE TABLE secrets (
  id               uuid           PRIMARY KEY,
  subscription_id  uuid           NOT NULL REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  key_id           varchar(16)    NOT NULL,
  sealed           bytea          NOT NULL,
  created_at       timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at       timestamptz(3)
);
CREATE INDEX secrets_subscription_id_idx ON secrets (subscription_id);
-- A subscription has one current secret; two rotations at once cannot make it two.
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
  answer           bytea,
  attempt_count    integer             NOT NULL DEFAULT 0,
  checked_at       timestamptz(3),
  feed_at          timestamptz(3),
  created_at       timestamptz(3)      NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX verifications_account_id_created_at_idx ON verifications (account_id, created_at);
CREATE INDEX verifications_subscription_id_idx ON verifications (subscription_id);
-- claim-due.ts
CREATE INDEX verifications_feed_idx ON verifications (feed_at) WHERE feed_at IS NOT NULL;
ALTER TABLE subscriptions
  ADD FOREIGN KEY (verification_id) REFERENCES verifications (id) ON UPDATE CASCADE ON DELETE SET NULL;

CREATE TABLE idempotency_keys (
  account_id  varchar(64)    NOT NULL,
  key         varchar(255)   NOT NULL,
  event_id    uuid           NOT NULL,
  body_hash   bytea          NOT NULL,
  created_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

CREATE TABLE events (
  id              uuid           PRIMARY KEY,
  account_id      varchar(64)    NOT NULL,
  type            varchar(128)   NOT NULL,
  body            bytea          NOT NULL,
  delivery_count  integer        NOT NULL,
  created_at      timestamptz(3) NOT NULL
);
CREATE INDEX events_account_id_id_idx ON events (account_id, id);

CREATE TABLE deliveries (
  id               uuid            PRIMARY KEY,
  account_id       varchar(64)     NOT NULL,
  event_id         uuid            NOT NULL,
  event_type       varchar(128)    NOT NULL,
  subscription_id  uuid            NOT NULL,
  status           delivery_status NOT NULL,
  status_reason    text,
  attempt_count    integer         NOT NULL DEFAULT 0,
  failure_count    integer         NOT NULL DEFAULT 0,
  due_at           timestamptz(3),
  asked_trigger    attempt_trigger,
  feed_at          timestamptz(3),
  created_at       timestamptz(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  completed_at     timestamptz(3),
  -- Only what is pending is due, and what is pending is always found by the feeder: nothing waits unseen.
  CONSTRAINT deliveries_due_check CHECK ((status = 'pending') = (due_at IS NOT NULL)),
  CONSTRAINT deliveries_feed_check CHECK ((status = 'pending' OR asked_trigger IS NOT NULL) = (feed_at IS NOT NULL)),
  CONSTRAINT deliveries_completed_check CHECK ((status IN ('succeeded', 'failed', 'canceled')) = (completed_at IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX deliveries_account_id_id_idx ON deliveries (account_id, id);
CREATE INDEX deliveries_subscription_id_id_idx ON deliveries (subscription_id, id);
CREATE INDEX deliveries_event_id_idx ON deliveries (event_id);
-- claim-due.ts: one subscription after the other, the oldest first.
CREATE INDEX deliveries_feed_idx ON deliveries (subscription_id, feed_at) WHERE feed_at IS NOT NULL;
-- release-held.ts: what is still held although its subscription is active again.
CREATE INDEX deliveries_held_idx ON deliveries (subscription_id, id) WHERE status = 'held';

CREATE TABLE attempts (
  id                  uuid            PRIMARY KEY,
  account_id          varchar(64)     NOT NULL,
  subscription_id     uuid,
  delivery_id         uuid,
  verification_id     uuid,
  number              integer         NOT NULL,
  trigger             attempt_trigger NOT NULL,
  outcome             attempt_outcome NOT NULL,
  status_code         integer,
  started_at          timestamptz(3)  NOT NULL,
  duration_ms         integer         NOT NULL,
  dns_ms              integer,
  connect_ms          integer,
  tls_ms              integer,
  first_byte_ms       integer,
  url                 text            NOT NULL,
  remote_address      text,
  request_headers     json            NOT NULL,
  response_headers    json,
  response_body       bytea,
  response_truncated  boolean         NOT NULL,
  error               text,
  CONSTRAINT attempts_of_check CHECK (num_nonnulls(delivery_id, verification_id) = 1)
);
CREATE UNIQUE INDEX attempts_delivery_id_number_key ON attempts (delivery_id, number);
CREATE INDEX attempts_verification_id_idx ON attempts (verification_id);

INSERT INTO event_types (name, description, example) VALUES
  ('message:created', 'A message was created, on any channel: by a customer, an agent or a bot.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","attachments":[],"body":"Hey there!","content_type":"text","conversation_id":"22222222-2222-4222-8222-222222222222","created_at":"2021-02-24T00:10:45","customer_id":null,"id":"44444444-4444-4444-8444-444444444444","metadata":null,"object":"message","private":false,"seen_at":null,"sent_at":"2021-02-24T00:10:45Z","source":"chat","type":"reply","user":null,"user_id":null}'),
  ('conversation:created', 'A conversation was opened.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","assignee_id":null,"closed_at":null,"created_at":"2021-02-24T00:20:30","customer_id":"33333333-3333-4333-8333-333333333333","id":"22222222-2222-4222-8222-222222222222","inbox_id":null,"last_activity_at":null,"metadata":null,"object":"conversation","priority":"not_priority","read":false,"source":"chat","status":"open","subject":null}'),
  ('conversation:updated', 'A conversation changed: it was read, assigned, closed or reopened. Carries the whole conversation.',
   '{"account_id":"11111111-1111-4111-8111-111111111111","assignee_id":1,"closed_at":"2021-02-25T20:10:00Z","created_at":"2021-02-24T00:20:30","customer_id":"33333333-3333-4333-8333-333333333333","id":"22222222-2222-4222-8222-222222222222","inbox_id":null,"last_activity_at":"2021-02-25T20:09:00Z","metadata":null,"object":"conversation","priority":"not_priority","read":true,"source":"chat","status":"closed","subject":null}');
