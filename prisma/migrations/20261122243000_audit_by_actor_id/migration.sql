-- GET …/audit?actorId=: what one key did, among what all did.
CREATE INDEX audit_entries_actor_id_id_idx ON audit_entries (actor_id, id);
