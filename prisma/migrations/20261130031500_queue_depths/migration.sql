-- How much waited, a row per minute (packages/core/src/ledger-metrics/queue-depths.ts). At most a month of them.
CREATE TABLE queue_depths (
  at        timestamptz(6)  PRIMARY KEY,
  -- null: the queue did not respond.
  waiting   bigint,
  deferred  bigint          NOT NULL
);
