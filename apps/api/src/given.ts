type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** The fields that were given: those that are undefined are left out, so that absent means absent to whoever asks `in`. */
export function given<T extends object>(fields: T): Partial<Given<T>>;
export function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
