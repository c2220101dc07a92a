-- The deliveries that the queue has, without the retries that are scheduled: how much room a subscription has left.
CREATE INDEX deliveries_leased_idx ON deliveries (subscription_id, feed_at) WHERE feed_at > due_at;
