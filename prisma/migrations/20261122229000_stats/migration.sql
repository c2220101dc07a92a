-- Statistics, rolled up (packages/core/src/stats). The hot statements add to stat_deltas, which nobody updates and which has
-- no index, so they never wait for each other; the workers fold it into stats every few seconds.

-- One row for all that are alike in one statement. outcome null: events that were accepted (subscription_id is null too).
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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

CREATE TYPE stat_width AS ENUM ('minute', 'hour');

-- What happened within a minute or an hour from `at` on, by kind: {"accepted":12,"outcome.ok":30,"code.200":30,"ms.18":30,…}.
-- account_id '' is all accounts together; subscription_id of zeros is all of the account's.
CREATE TABLE stats (
  width            stat_width      NOT NULL,
  account_id       varchar(64)     NOT NULL,
  subscription_id  uuid            NOT NULL,
  at               timestamptz(0)  NOT NULL,
  event_type       varchar(128)    NOT NULL,
  counts           jsonb           NOT NULL,
  PRIMARY KEY (width, account_id, subscription_id, at, event_type)
) WITH (fillfactor = 70);
-- drop-old-stats.ts
CREATE INDEX stats_width_at_idx ON stats (width, at);

CREATE FUNCTION posthorn_add_counts(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT jsonb_object_agg(key, total) FROM (
    SELECT key, sum(value::bigint) AS total
    FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) both_of_them
    GROUP BY key
  ) added
$$;
