-- The depth of the queues, one row per minute (packages/core/src/ledger-metrics/queue-depths.ts), kept for a month.
CREATE TABLE queue_depths (
  at        timestamptz(6)  PRIMARY KEY,
  -- null: the queue did not respond.
  waiting   bigint,
  deferred  bigint          NOT NULL
);
