// Control characters, and those that reorder text.
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const UNSAFE_IN_LINES = /(?![\n\t])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Replaces what could control the terminal or reorder text: values of other people must not. Keeps line feeds and tabs if `lines`. */
export function printable(text: string, { lines = false } = {}): string {
  return text.replaceAll(lines ? UNSAFE_IN_LINES : UNSAFE, '\ufffd');
}
