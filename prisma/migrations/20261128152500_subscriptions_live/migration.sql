-- Counting and listing what an account has, however many it has deleted before.
CREATE INDEX subscriptions_account_id_id_live_idx ON subscriptions (account_id, id) WHERE deleted_at IS NULL;
