-- deliveries/list-deliveries.ts: of a type that one subscription hardly ever gets, among many.
CREATE INDEX deliveries_subscription_id_event_type_id_idx ON deliveries (subscription_id, event_type, id);
