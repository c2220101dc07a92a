type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Removes undefined fields, so that `in` finds only fields that were sent. */
export function given<T extends object>(fields: T): Partial<Given<T>>;
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
