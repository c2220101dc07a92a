-- deliveries/list-deliveries.ts: of a type that hardly occurs, among many.
CREATE INDEX deliveries_account_id_event_type_id_idx ON deliveries (account_id, event_type, id);
