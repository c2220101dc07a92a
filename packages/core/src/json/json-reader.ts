import { isUtf8 } from 'node:buffer';

/** Why reading stopped: the text is not JSON (`syntax`) or exceeds a limit. The message quotes at most one character
 *  of the text, which may be secret. */
export class JsonFault extends Error {
  readonly kind: 'empty' | 'syntax' | 'too_deep' | 'too_large' | 'too_loose' | 'too_many';
  constructor(kind: JsonFault['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Maximum nesting of objects and arrays. */
export const MAX_JSON_DEPTH = 1_000;

/** Maximum white space between two tokens. */
export const MAX_SPACE_BYTES = 512 * 1024;

/** Reads JSON (RFC 8259) from UTF-8 bytes, once, from front to back. It checks every byte and creates only the
 *  strings that the caller reads. The cost is linear in the bytes read, and reading stops at the first error or
 *  exceeded limit.
 *
 *  The caller pulls: after each key of `members()` and each index of `elements()` it must read one value.
 *
 *  Every method throws a JsonFault. Positions count bytes from 0. A leading byte order mark is skipped. */
export class JsonReader {
  readonly #bytes: Buffer;
  /** Where the next token begins, after any white space. */
  #at = 0;
  /** Reading ends here: after the last byte, or at a size limit. */
  #end: number;
  /** While a value is kept: skipped white space moves `#end` up to this position. */
  #readEnd = 0;
  /** While a value is kept: bytes from here on are not yet in `#kept`. */
  #uncopied = NOT_KEEPING;
  #kept: Buffer = NOTHING;
  #keptBytes = 0;

  constructor(bytes: Uint8Array) {
    if (!isUtf8(bytes)) throw new JsonFault('syntax', 'invalid UTF-8');
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
    this.#moveTo(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
    if (this.#at === this.#end) throw new JsonFault('empty', 'the text is empty');
  }

  /** Returns how many bytes have been read. */
  get position(): number {
    return this.#at;
  }

  /** Returns the first byte of the next token. */
  peek(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] as number) : this.#fail(this.#at);
  }

  /** Reads the members of the next value, an object, including repeated ones. Yields each decoded key before its
   *  value. */
  *members({ maxKeyBytes = Number.POSITIVE_INFINITY } = {}): Generator<string, void, undefined> {
    this.#expect(OPEN_BRACE);
    if (this.#accept(CLOSE_BRACE)) return;
    for (;;) {
      const key = this.string(maxKeyBytes);
      this.#expect(COLON);
      yield key;
      if (this.#accept(CLOSE_BRACE)) return;
      this.#expect(COMMA);
    }
  }

  /** Reads the elements of the next value, an array. Yields each index, from 0, before its value. */
  *elements(): Generator<number, void, undefined> {
    this.#expect(OPEN_BRACKET);
    if (this.#accept(CLOSE_BRACKET)) return;
    for (let index = 0; ; index += 1) {
      yield index;
      if (this.#accept(CLOSE_BRACKET)) return;
      this.#expect(COMMA);
    }
  }

  /** Reads the next value, a string. Returns it decoded: `"a"` and `"\u0061"` are equal. `maxBytes` limits its bytes
   *  as received, with quotes. */
  string(maxBytes = Number.POSITIVE_INFINITY): string {
    const start = this.#at;
    if (this.peek() !== QUOTE) this.#fail(start);
    const outer = this.#end;
    this.#end = Math.min(outer, start + maxBytes);
    const end = this.#stringEnd();
    this.#end = outer;
    this.#moveTo(end);
    return decode(this.#bytes, start, end);
  }

  /** Skips the next value. `maxDepth`: maximum nesting of objects and arrays in it (0 allows a number, 1 allows
   *  `[]`), at most MAX_JSON_DEPTH. `maxValues`: maximum number of values, including itself. */
  skip({ maxDepth, maxValues = Number.POSITIVE_INFINITY }: { maxDepth: number; maxValues?: number }): void {
    let depth = 0;
    for (let count = 1; ; count += 1) {
      if (count > maxValues) throw new JsonFault('too_many', `must have at most ${maxValues} values`);
      const first = this.peek();
      if (first === OPEN_BRACE || first === OPEN_BRACKET) {
        if (depth === maxDepth) throw new JsonFault('too_deep', `must be nested at most ${MAX_JSON_DEPTH} deep`);
        closers[depth] = first + 2; // the codes of `{` and `}`, `[` and `]` differ by two
        this.#moveTo(this.#at + 1);
        if (!this.#accept(first + 2)) {
          depth += 1;
          if (first === OPEN_BRACE) this.#skipKey();
          continue;
        }
      } else {
        this.#moveTo(first === QUOTE ? this.#stringEnd() : this.#scalarEnd(first));
      }
      // A value has ended. Enclosing ones may end here, too.
      while (depth > 0 && this.#accept(closers[depth - 1] as number)) depth -= 1;
      if (depth === 0) return;
      this.#expect(COMMA);
      if (closers[depth - 1] === CLOSE_BRACE) this.#skipKey();
    }
  }

  /** Keeps what is read from here on, without white space between tokens, up to `maxBytes`. `maxReadBytes` also
   *  counts white space. */
  startKeeping({ maxBytes, maxReadBytes }: { maxBytes: number; maxReadBytes: number }): void {
    this.#uncopied = this.#at;
    this.#keptBytes = 0;
    this.#readEnd = Math.min(this.#bytes.length, this.#at + maxReadBytes);
    this.#end = Math.min(this.#readEnd, this.#at + maxBytes);
  }

  /** Returns what was read since `startKeeping`. The bytes are valid until the next `startKeeping`. */
  endKeeping(): Uint8Array {
    const hadSpace = this.#keptBytes > 0;
    if (hadSpace) this.#keepUntil(this.#at);
    const kept = hadSpace ? this.#kept.subarray(0, this.#keptBytes) : this.#bytes.subarray(this.#uncopied, this.#at);
    this.#uncopied = NOT_KEEPING;
    this.#end = this.#bytes.length;
    return kept;
  }

  /** Checks that only white space is left. */
  finish(): void {
    if (this.#at < this.#bytes.length) this.#fail(this.#at);
  }

  #skipKey(): void {
    if (this.peek() !== QUOTE) this.#fail(this.#at);
    this.#moveTo(this.#stringEnd());
    this.#expect(COLON);
  }

  #accept(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.#moveTo(this.#at + 1);
    return true;
  }

  #expect(byte: number): void {
    if (this.peek() !== byte) this.#fail(this.#at);
    this.#moveTo(this.#at + 1);
  }

  /** Moves to the next token after `at`, the end of the last one. */
  #moveTo(at: number): void {
    const bytes = this.#bytes;
    if (at < bytes.length && isSpace(bytes[at] as number)) {
      const most = Math.min(bytes.length, at + MAX_SPACE_BYTES);
      let next = at + 1;
      while (next < most && isSpace(bytes[next] as number)) next += 1;
      if (next < bytes.length && isSpace(bytes[next] as number)) {
        throw new JsonFault('too_loose', `must have at most ${MAX_SPACE_BYTES} bytes of white space in one place`);
      }
      if (this.#uncopied !== NOT_KEEPING) {
        this.#keepUntil(at);
        this.#uncopied = next;
        this.#end = Math.min(this.#readEnd, this.#end + next - at);
      }
      this.#at = next;
    } else {
      this.#at = at;
    }
  }

  /** Copies what was read up to `end`, where white space follows. */
  #keepUntil(end: number): void {
    const length = end - this.#uncopied;
    if (this.#kept.length < this.#keptBytes + length) {
      const grown = Buffer.allocUnsafe(Math.max(2 * this.#kept.length, this.#keptBytes + length, 1024));
      grown.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = grown;
    }
    if (length > 64) this.#kept.set(this.#bytes.subarray(this.#uncopied, end), this.#keptBytes);
    else
      for (let n = 0; n < length; n += 1) this.#kept[this.#keptBytes + n] = this.#bytes[this.#uncopied + n] as number;
    this.#keptBytes += length;
  }

  /** Returns the index after the string that begins here. */
  #stringEnd(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at + 1;
    for (;;) {
      while (at < end && IS_PLAIN[bytes[at] as number] === true) at += 1;
      if (at >= end) return this.#fail(at);
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      if (byte !== BACKSLASH) return this.#fail(at); // a control character
      at = this.#escapeEnd(at);
    }
  }

  /** Returns the index after the escape whose backslash is at `at`. */
  #escapeEnd(at: number): number {
    const letter = this.#byteAt(at + 1);
    if (letter !== LETTER_U) return IS_ESCAPED[letter] ? at + 2 : this.#fail(at + 1);
    for (let digit = at + 2; digit < at + 6; digit += 1) {
      if (!IS_HEX[this.#byteAt(digit)]) this.#fail(digit);
    }
    return at + 6;
  }

  /** Returns the index after the number or literal that begins here. */
  #scalarEnd(first: number): number {
    const literal = LITERALS.get(first);
    if (literal === undefined) return this.#numberEnd();
    let at = this.#at + 1;
    for (let n = 1; n < literal.length; n += 1, at += 1) {
      if (this.#byteAt(at) !== literal[n]) this.#fail(at);
    }
    return at;
  }

  #numberEnd(): number {
    let at = this.#at;
    if (this.#byteAt(at) === MINUS) at += 1;
    at = this.#byteAt(at) === ZERO ? at + 1 : this.#digitsEnd(at);
    if (this.#bytes[at] === POINT) at = this.#digitsEnd(at + 1);
    if (((this.#bytes[at] ?? 0) | 0x20) === LETTER_E) {
      const sign = this.#byteAt(at + 1);
      at = this.#digitsEnd(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
    }
    return at;
  }

  /** Returns the index after one or more digits. */
  #digitsEnd(start: number): number {
    let at = start;
    while (at < this.#end && isDigit(this.#bytes[at] as number)) at += 1;
    return at === start ? this.#fail(at) : at;
  }

  #byteAt(at: number): number {
    return at < this.#end ? (this.#bytes[at] as number) : this.#fail(at);
  }

  #fail(at: number): never {
    if (at < this.#end) {
      throw new JsonFault('syntax', `unexpected character ${nameOf(this.#bytes, at)} at position ${at}`);
    }
    if (this.#end === this.#bytes.length) throw new JsonFault('syntax', `unexpected end at position ${this.#end}`);
    throw new JsonFault('too_large', 'too large');
  }
}

/** Decodes the string at `start`, without its quotes. */
function decode(bytes: Buffer, start: number, end: number): string {
  let isAscii = true;
  for (let at = start + 1; at < end - 1; at += 1) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) as string;
    if (byte > 0x7f) isAscii = false;
  }
  return bytes.toString(isAscii ? 'latin1' : 'utf8', start + 1, end - 1);
}

/** Returns the character at `at` for an error message, in quotes if it is visible. */
function nameOf(bytes: Buffer, at: number): string {
  const [char = ''] = bytes.toString('utf8', at, at + 4);
  if (/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(char)) return `"${char}"`;
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

const NOT_KEEPING = -1;
const NOTHING = Buffer.alloc(0);

/** The closing byte of each object and array that `skip` is in. Shared by all readers, because `skip` is not
 *  interrupted. */
const closers = new Uint8Array(MAX_JSON_DEPTH);

// RFC 8259 §2: only space, tab, line feed and carriage return.
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const codeOf = (char: string): number => char.charCodeAt(0);
/** A table of the bytes for which `isIn` is true. */
const tableOf = (isIn: (byte: number) => boolean): boolean[] => Array.from({ length: 256 }, (_, byte) => isIn(byte));

const OPEN_BRACE = codeOf('{');
const CLOSE_BRACE = codeOf('}');
const OPEN_BRACKET = codeOf('[');
const CLOSE_BRACKET = codeOf(']');
const QUOTE = codeOf('"');
const BACKSLASH = codeOf('\\');
const COMMA = codeOf(',');
const COLON = codeOf(':');
const MINUS = codeOf('-');
const PLUS = codeOf('+');
const POINT = codeOf('.');
const ZERO = codeOf('0');
const LETTER_E = codeOf('e');
const LETTER_U = codeOf('u');
const LITERALS = new Map(['true', 'false', 'null'].map((text) => [codeOf(text), Buffer.from(text)]));

// RFC 8259 §7: within a string, all bytes except these stand for themselves. Bytes above 0x7f are parts of UTF-8.
const IS_PLAIN = tableOf((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
const IS_ESCAPED = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const IS_HEX = tableOf((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
