-- How a replay of operators stands, by account (packages/core/src/replays/replay-accounts.ts). These replays are kept, so no
-- foreign key has to remove their rows.
CREATE TABLE replay_accounts (
  replay_id   uuid         NOT NULL,
  account_id  varchar(64)  NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE ON DELETE CASCADE,
  queued      integer      NOT NULL DEFAULT 0,
  delivered   integer      NOT NULL DEFAULT 0,
  failed      integer      NOT NULL DEFAULT 0,
  pending     integer      NOT NULL DEFAULT 0,
  PRIMARY KEY (replay_id, account_id)
);
-- The erasure of an account.
CREATE INDEX replay_accounts_account_id_idx ON replay_accounts (account_id);
