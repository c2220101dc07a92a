-- Who changed what. No foreign keys: an entry outlives the account, the key and the session that it tells of.
CREATE TYPE actor_kind AS ENUM ('operator', 'account', 'portal', 'nobody');
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
  created_at   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX audit_entries_account_id_id_idx ON audit_entries (account_id, id);
