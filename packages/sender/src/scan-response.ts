export const MAX_RAW_BYTES = 128 * 1024; // interim responses, head, framing and body together
export const MAX_HEAD_BYTES = 16 * 1024; // status line and headers of the final response
export const MAX_READS = 512; // a read costs about 20 µs, even for one byte
export const MAX_INTERIM_RESPONSES = 10;

/** The limit that ended the reading of a response. */
export type ReadLimit = 'raw_bytes' | 'head_bytes' | 'reads' | 'interim_responses';

/** The raw bytes of one response, as they come from the socket.
 *  - `take` counts a read and returns the part that the parser may see: the final response.
 *  - `end` returns what was held back when the connection ends.
 *  - `charge` counts work that the endpoint causes below HTTP, as bytes.
 *  - `begun` is true from the first byte of a response that is not known to be an interim one.
 *  - `head` is the beginning of what was returned, at most MAX_HEAD_BYTES, until `forgetHead`. It keeps the chunks in memory.
 *  - `limit` names the first exceeded limit; after that `take` returns nothing. */
export type ResponseScan = {
  take(chunk: Buffer): Buffer;
  end(): Buffer;
  charge(bytes: number): void;
  forgetHead(): void;
  readonly head: Buffer;
  readonly begun: boolean;
  readonly limit: ReadLimit | null;
};

const NOTHING = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
const INTERIM_STATUS = 'HTTP/9.9 199 '; // 9 matches any digit, the last space also the end of the line

// state     what it does with bytes                      left when
// between   drops empty lines (RFC 9112 §2.2)            anything else comes: status
// status    holds back at most 13 bytes                  it is a 1xx other than 101: interim; it is not: head
// interim   drops the head of the interim response       its empty line comes: between
// head      passes on status line and headers            its empty line comes: body
// body      passes everything on                         –
/** Starts to read a response. undici refuses an unexpected 100, and anything after an interim response of HTTP/1.0 or with
 *  `connection: close`, but a client must skip them (RFC 9110 §15.2). 101 is passed on, because it ends HTTP.
 *  The result does not depend on how the bytes are split into reads, up to MAX_READS.
 *  The function is long because it is one state machine whose states share all of these variables. */
// eslint-disable-next-line max-lines-per-function
export function scanResponse(): ResponseScan {
  let state: 'between' | 'status' | 'interim' | 'head' | 'body' = 'between';
  let held = '';
  let lineIsEmpty = false;
  let limit: ReadLimit | null = null;
  let rawBytes = 0;
  let headBytes = 0;
  let reads = 0;
  let interimResponses = 0;
  let head: Buffer[] = [];
  let headRoom = MAX_HEAD_BYTES;

  function passOn(bytes: Buffer): Buffer {
    if (headRoom > 0 && bytes.length > 0) head.push(bytes.subarray(0, headRoom));
    headRoom = Math.max(0, headRoom - bytes.length);
    return bytes;
  }

  /** Returns whether the byte ends a head. */
  function endsHead(byte: number): boolean {
    if (byte === LF && lineIsEmpty) return true;
    if (byte !== CR) lineIsEmpty = byte === LF;
    return false;
  }

  function readStatus(byte: number): void {
    const fits = fitsInterim(held.length, byte);
    held += String.fromCharCode(byte);
    state = 'status';
    if (fits && held.length < INTERIM_STATUS.length) return;
    lineIsEmpty = byte === LF;
    if (!fits || held.startsWith('101', 9)) {
      state = 'head';
      headBytes = held.length;
      return;
    }
    state = 'interim';
    held = '';
    interimResponses++;
    if (interimResponses > MAX_INTERIM_RESPONSES) limit = 'interim_responses';
  }

  function read(byte: number): void {
    if (state === 'status' || (state === 'between' && byte !== CR && byte !== LF)) readStatus(byte);
    else if (state === 'interim' && endsHead(byte)) state = 'between';
    else if (state === 'head') {
      headBytes++;
      if (headBytes > MAX_HEAD_BYTES) limit = 'head_bytes';
      else if (endsHead(byte)) state = 'body';
    }
  }

  function takeHeld(): Buffer {
    const bytes = Buffer.from(held, 'latin1');
    held = '';
    return bytes;
  }

  return {
    take(chunk) {
      if (limit !== null) return NOTHING;
      const allowed = chunk.subarray(0, MAX_RAW_BYTES - rawBytes);
      rawBytes += chunk.length;
      reads++;
      let start = state === 'head' || state === 'body' ? 0 : null;
      let at = 0;
      while (state !== 'body' && limit === null && at < allowed.length) {
        read(allowed[at++] ?? 0);
        if (state === 'head') start ??= at;
      }
      const stop = limit === 'head_bytes' ? at - 1 : allowed.length;
      if (limit === null && rawBytes > MAX_RAW_BYTES) limit = 'raw_bytes';
      else if (limit === null && reads > MAX_READS) limit = 'reads';
      if (start === null) return NOTHING;
      const rest = allowed.subarray(start, stop);
      return passOn(held === '' ? rest : Buffer.concat([takeHeld(), rest]));
    },
    end: () => passOn(takeHeld()),
    charge(bytes) {
      rawBytes += bytes;
      if (limit === null && rawBytes > MAX_RAW_BYTES) limit = 'raw_bytes';
    },
    forgetHead() {
      head = [];
      headRoom = 0;
    },
    get head() {
      return Buffer.concat(head);
    },
    get begun() {
      return state === 'status' || state === 'head' || state === 'body';
    },
    get limit() {
      return limit;
    },
  };
}

function fitsInterim(index: number, byte: number): boolean {
  const expected = INTERIM_STATUS[index];
  if (expected === '9') return byte >= 0x30 && byte <= 0x39;
  if (expected === ' ' && index === INTERIM_STATUS.length - 1 && (byte === CR || byte === LF)) return true;
  return byte === expected?.charCodeAt(0);
}
