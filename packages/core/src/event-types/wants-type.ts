/** SQL: the subscription wants an event of a type: exactly it, its family, or all. */
export const wantsType = (type: string, subscription = 's'): string =>
  `(${subscription}.events = '{}' OR ${type} = ANY (${subscription}.events) OR split_part(${type}, ':', 1) || ':*' = ANY (${subscription}.events))`;
