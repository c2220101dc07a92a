-- Disabling cancels what is owed, or holds it until the subscription is resumed, as asked.
ALTER TABLE subscriptions ADD COLUMN holds_when_disabled boolean NOT NULL DEFAULT false;
