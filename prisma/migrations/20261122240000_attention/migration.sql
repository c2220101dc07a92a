-- attention/list-attention.ts: of many subscriptions, the few that somebody should look at, the newest trouble first.
CREATE INDEX subscriptions_attention_idx ON subscriptions
  ((CASE WHEN status = 'active' THEN failing_since ELSE status_changed_at END), id)
  WHERE deleted_at IS NULL
    AND (status = 'unverified' OR status = 'active' AND failing_since IS NOT NULL OR status = 'disabled' AND status_reason <> 'manual');
CREATE INDEX subscriptions_account_attention_idx ON subscriptions
  (account_id, (CASE WHEN status = 'active' THEN failing_since ELSE status_changed_at END), id)
  WHERE deleted_at IS NULL
    AND (status = 'unverified' OR status = 'active' AND failing_since IS NOT NULL OR status = 'disabled' AND status_reason <> 'manual');
