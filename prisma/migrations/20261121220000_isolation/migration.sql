-- No subscription holds the others up: a bound on what it has under way, a breaker, and a rate of its own.
ALTER TABLE subscriptions
  ADD COLUMN rate_limit           integer        CHECK (rate_limit BETWEEN 1 AND 10000),
  ADD COLUMN next_slot_at         timestamptz(6),
  ADD COLUMN concurrency_limit    integer        NOT NULL DEFAULT 1000 CHECK (concurrency_limit BETWEEN 1 AND 1000),
  ADD COLUMN concurrency_set_at   timestamptz(3),
  ADD COLUMN failure_streak       integer        NOT NULL DEFAULT 0,
  ADD COLUMN breaker_opened_count integer        NOT NULL DEFAULT 0,
  ADD COLUMN breaker_until        timestamptz(3),
  ADD COLUMN probe_id             uuid;
