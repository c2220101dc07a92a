-- A recovery brings back what a subscription did not get, in the background, slice by slice.
CREATE TYPE recovery_which AS ENUM ('failed', 'missing');
CREATE TYPE recovery_status AS ENUM ('running', 'completed', 'canceled');
CREATE TABLE recoveries (
  id               uuid            PRIMARY KEY,
  account_id       varchar(64)     NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  subscription_id  uuid            NOT NULL REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  which            recovery_which  NOT NULL,
  since            timestamptz(3)  NOT NULL,
  until            timestamptz(3)  NOT NULL,
  status           recovery_status NOT NULL DEFAULT 'running',
  matched          integer         NOT NULL,
  queued           integer         NOT NULL DEFAULT 0,
  position         uuid,
  created_at       timestamptz(3)  NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ended_at         timestamptz(3),
  CONSTRAINT recoveries_ended_check CHECK ((status = 'running') = (ended_at IS NULL))
);
CREATE INDEX recoveries_account_id_id_idx ON recoveries (account_id, id);
CREATE INDEX recoveries_subscription_id_idx ON recoveries (subscription_id);
-- One at a time for a subscription: two over the same events would bring each back twice.
CREATE UNIQUE INDEX recoveries_running_key ON recoveries (subscription_id) WHERE status = 'running';
ALTER TABLE deliveries ADD COLUMN recovery_id uuid;
CREATE INDEX deliveries_recovery_idx ON deliveries (recovery_id, status) WHERE recovery_id IS NOT NULL;
-- Meant for nobody, or (a test event) for one subscription alone: no recovery gives it to others.
ALTER TABLE events ADD COLUMN suppressed boolean NOT NULL DEFAULT false;
