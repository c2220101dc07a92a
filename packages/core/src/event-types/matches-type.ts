/** SQL: the subscription subscribes to an event type: exactly, by its family, or to all types. */
export const matchesType = (type: string, subscription = 's'): string =>
  `(${subscription}.events = '{}' OR ${type} = ANY (${subscription}.events) OR split_part(${type}, ':', 1) || ':*' = ANY (${subscription}.events))`;
