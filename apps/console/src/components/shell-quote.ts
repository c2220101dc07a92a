/** Quotes a text for a POSIX shell, which then reads exactly this text. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
