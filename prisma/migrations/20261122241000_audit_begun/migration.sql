-- An entry is written before the change, and completed when it is made: one that was begun and never done says so.
ALTER TABLE audit_entries ADD COLUMN done_at timestamptz(3);
UPDATE audit_entries SET done_at = created_at;
-- GET /v1/audit?action=, and ?actor=: what is rare among many.
CREATE INDEX audit_entries_action_id_idx ON audit_entries (action, id);
CREATE INDEX audit_entries_actor_id_idx ON audit_entries (actor, id);
