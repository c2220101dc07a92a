-- Subscriptions that have recovered and may have deliveries with a long wait left (packages/core/src/dispatch/catch-up.ts).
CREATE TABLE catch_ups (
  subscription_id  uuid           PRIMARY KEY REFERENCES subscriptions (id) ON UPDATE CASCADE ON DELETE CASCADE,
  position         uuid,
  due_at           timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
-- The one that has been due for longest.
CREATE INDEX catch_ups_due_idx ON catch_ups (due_at);

-- The last outage of the endpoint, for the progress of what waited during it.
ALTER TABLE subscriptions ADD COLUMN last_outage_from timestamptz(6), ADD COLUMN last_outage_until timestamptz(6);
