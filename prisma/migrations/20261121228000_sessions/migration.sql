-- Sessions: of people who signed in with a key, and of portals that were opened for an account. Tokens are kept as hashes.
CREATE TYPE session_kind AS ENUM ('operator', 'account', 'portal');
CREATE TABLE sessions (
  id            uuid           PRIMARY KEY,
  kind          session_kind   NOT NULL,
  account_id    varchar(64)    REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  -- A key that is revoked takes its sessions with it.
  key_id        uuid           REFERENCES api_keys (id) ON UPDATE CASCADE ON DELETE CASCADE,
  hash          bytea,
  link_hash     bytea,
  capabilities  text[],
  theme         json,
  lasts_seconds integer        NOT NULL,
  idle_seconds  integer,
  address       text,
  created_at    timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  last_used_at  timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  expires_at    timestamptz(3) NOT NULL,
  -- Either its link waits to be opened, or it is open: never both.
  CONSTRAINT sessions_hash_check CHECK (num_nonnulls(hash, link_hash) = 1),
  CONSTRAINT sessions_account_check CHECK ((kind = 'operator') = (account_id IS NULL)),
  CONSTRAINT sessions_key_check CHECK ((kind = 'account') = (key_id IS NOT NULL)),
  CONSTRAINT sessions_link_check CHECK (link_hash IS NULL OR kind = 'portal')
);
CREATE UNIQUE INDEX sessions_hash_key ON sessions (hash);
CREATE UNIQUE INDEX sessions_link_hash_key ON sessions (link_hash);
CREATE INDEX sessions_account_id_idx ON sessions (account_id);
CREATE INDEX sessions_key_id_idx ON sessions (key_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- Logins within the current minute: of each address, and ('') of all together.
CREATE TABLE login_limits (
  caller  varchar(64)    PRIMARY KEY,
  count   integer        NOT NULL,
  since   timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Reading a secret has a scope of its own from now on. Keys of before could do it with subscriptions:write, and still can.
UPDATE api_keys SET scopes = array_append(scopes, 'secrets:read')
WHERE 'subscriptions:write' = ANY (scopes) AND NOT 'secrets:read' = ANY (scopes);
