-- Links that download one export (packages/core/src/sessions/export-link.ts). A link ends with the key and the session that created it.
CREATE TABLE export_links (
  id          uuid           PRIMARY KEY,
  account_id  varchar(64)    NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  kind        session_kind   NOT NULL,
  key_id      uuid           REFERENCES api_keys (id) ON UPDATE CASCADE ON DELETE CASCADE,
  session_id  uuid           REFERENCES sessions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  hash        bytea          NOT NULL,
  query       json           NOT NULL,
  expires_at  timestamptz(6) NOT NULL,
  opened_at   timestamptz(6)
);
CREATE UNIQUE INDEX export_links_hash_key ON export_links (hash);
CREATE INDEX export_links_account_id_idx ON export_links (account_id);
CREATE INDEX export_links_key_id_idx ON export_links (key_id);
CREATE INDEX export_links_session_id_idx ON export_links (session_id);
CREATE INDEX export_links_expires_at_idx ON export_links (expires_at);
