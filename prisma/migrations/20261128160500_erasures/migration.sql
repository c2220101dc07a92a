-- Deleting an account marks it. Nothing finds a marked account any more; workers erase its rows in small steps, and its own row last.
ALTER TABLE accounts ADD COLUMN deleted_at timestamptz(3);

-- How far the erasing of a marked account got. It goes with the account's row.
CREATE TABLE erasures (
  account_id varchar(64)    PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
  -- What is being erased now, and the key of the last row that was; empty: it has not begun.
  part       text           NOT NULL,
  position   text           NOT NULL DEFAULT '',
  row_count  bigint         NOT NULL DEFAULT 0,
  changed_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
