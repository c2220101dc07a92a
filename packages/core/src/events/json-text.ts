/** The members and elements of JSON *as text*: what a producer sent, without the white space between tokens and otherwise
 *  to the byte. (JSON.parse and JSON.stringify would move keys like "1" to the front, round large numbers, drop repeated
 *  keys and respell escapes.)
 *
 *  All functions here want text that JSON.parse has accepted; on other text their result is undefined. */

export interface RawMember {
  /** Decoded: `"a"` and `"\u0061"` are the same key. */
  key: string;
  value: RawValue;
}

export interface RawValue {
  /** Compact. */
  text: string;
  /** How deep objects and arrays are nested in it: 0 for a number, 1 for `{}`, 2 for `{"a":[]}`. */
  depth: number;
}

/** The members of a JSON object, in order, repeated keys included. */
export function readMembers(object: string): RawMember[] {
  const members: RawMember[] = [];
  let at = skipSpace(object, 0) + 1; // behind the brace
  for (;;) {
    at = skipSpace(object, at);
    if (object[at] === '}') return members;
    if (object[at] === ',') at = skipSpace(object, at + 1);
    const keyEnd = stringEnd(object, at);
    const key = JSON.parse(object.slice(at, keyEnd)) as string;
    at = skipSpace(object, keyEnd) + 1; // behind the colon
    const { end, ...value } = readValue(object, skipSpace(object, at));
    members.push({ key, value });
    at = end;
  }
}

/** The elements of a JSON array, in order. */
export function readElements(array: string): RawValue[] {
  const elements: RawValue[] = [];
  let at = skipSpace(array, 0) + 1; // behind the bracket
  for (;;) {
    at = skipSpace(array, at);
    if (array[at] === ']') return elements;
    if (array[at] === ',') at = skipSpace(array, at + 1);
    const { end, ...value } = readValue(array, at);
    elements.push(value);
    at = end;
  }
}

function readValue(text: string, start: number): RawValue & { end: number } {
  let compact = '';
  let copied = start; // text before this is in `compact`
  let level = 0;
  let depth = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = stringEnd(text, at) - 1;
    } else if (isSpace(char)) {
      if (level === 0) break;
      compact += text.slice(copied, at);
      copied = skipSpace(text, at);
      at = copied - 1;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      level += 1;
      if (level > depth) depth = level;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      if (level === 0) break; // the end of what this value stands in
      level -= 1;
    } else if (char === COMMA && level === 0) {
      break;
    }
  }
  return { text: compact + text.slice(copied, at), depth, end: at };
}

/** The index behind the closing quote of the string that begins at `at`. */
function stringEnd(text: string, at: number): number {
  for (let index = at + 1; ; index += 1) {
    const char = text.charCodeAt(index);
    if (char === BACKSLASH) index += 1;
    else if (char === QUOTE || Number.isNaN(char)) return index + 1;
  }
}

function skipSpace(text: string, at: number): number {
  let index = at;
  while (isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

// RFC 8259 §2: space, tab, line feed, carriage return; nothing else.
const isSpace = (char: number): boolean => char === 0x20 || char === 0x09 || char === 0x0a || char === 0x0d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
