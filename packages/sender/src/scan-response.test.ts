import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_HEAD_BYTES, MAX_INTERIM_RESPONSES, MAX_RAW_BYTES, MAX_READS, scanResponse } from './scan-response.js';

const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Feeds the bytes in these pieces. Returns what the parser sees, before and at the end of the connection. */
function scan(pieces: Buffer[]) {
  const response = scanResponse();
  const passed = Buffer.concat(pieces.map((piece) => response.take(piece)));
  const { begun, limit } = response;
  return { passed: passed.toString('latin1'), atEnd: response.end().toString('latin1'), begun, limit };
}

const scanText = (text: string) => scan([Buffer.from(text, 'latin1')]);

/** Cuts bytes at these positions, given as shares of their length. */
function cut(bytes: Buffer, shares: number[]): Buffer[] {
  const places = shares.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b);
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length));
}

describe('scanResponse', () => {
  it.each([
    ['an unexpected 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    [
      '102 and 103 with headers',
      'HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx: HTTP/1.1 200\r\n\r\n',
    ],
    ['100 of HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
    ['103 with a length and connection: close', 'HTTP/1.1 103 E\r\ncontent-length: 9\r\nconnection: close\r\n\r\n'],
    ['100 without a reason', 'HTTP/1.1 100\r\n\r\n'],
    ['100 with lines that end in LF', 'HTTP/1.1 100\nx: y\n\n'],
    ['199, which is unassigned', 'HTTP/1.1 199 \r\n\r\n'],
    ['ten of them', 'HTTP/1.1 103 E\r\n\r\n'.repeat(MAX_INTERIM_RESPONSES)],
    ['one between empty lines', '\r\n\r\nHTTP/1.1 100 C\r\n\r\n\r\n\n'],
  ])('hides an interim response: %s', (_what, interim) => {
    expect(scanText(interim)).toEqual({ passed: '', atEnd: '', begun: false, limit: null });
    expect(scanText(interim + FINAL)).toEqual({ passed: FINAL, atEnd: '', begun: true, limit: null });
  });

  it.each([
    ['101', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
    ['a final response, and what follows it', `${FINAL}HTTP/1.1 100 Continue\r\n\r\n`],
    ['a status of four digits', 'HTTP/1.1 1000 X\r\n\r\n'],
    ['a name that is not HTTP', 'HTTQ/1.1 100 C\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['bytes of all kinds', '\xff\x00\r\n\r\nHTTP/1.1 100 C\r\n\r\n'],
  ])('passes on unchanged: %s', (_what, bytes) => {
    expect(scanText(bytes)).toEqual({ passed: bytes, atEnd: '', begun: true, limit: null });
  });

  it('holds back a status line until it is known, and returns it when the connection ends', () => {
    expect(scanText('HTTP/1.1 10')).toEqual({ passed: '', atEnd: 'HTTP/1.1 10', begun: true, limit: null });
    expect(scanText('HTTP/1.1 103 E\r\nlink')).toEqual({ passed: '', atEnd: '', begun: false, limit: null });
  });

  it('stops at the eleventh interim response, even if a final one follows', () => {
    const { passed, limit } = scanText('HTTP/1.1 103 E\r\n\r\n'.repeat(MAX_INTERIM_RESPONSES + 1) + FINAL);
    expect({ passed, limit }).toEqual({ passed: '', limit: 'interim_responses' });
  });

  it.each([
    ['a body', FINAL],
    ['an interim response', 'HTTP/1.1 103 E\r\nx: '],
    ['empty lines', '\r\n'],
  ])('passes on at most 128 KiB of %s and then stops, however the bytes are split', (_what, start) => {
    const bytes = Buffer.alloc(MAX_RAW_BYTES + 1, start.slice(-2));
    bytes.write(start, 'latin1');
    expect(scan([bytes.subarray(0, MAX_RAW_BYTES)]).limit).toBeNull();
    for (const shares of [[], [0.5], [0.2, 1]]) {
      const { passed, limit } = scan([...cut(bytes, shares), Buffer.from(FINAL)]);
      expect(limit).toBe('raw_bytes');
      expect(passed === (start === FINAL ? bytes.toString('latin1', 0, MAX_RAW_BYTES) : '')).toBe(true);
    }
  });

  it.each([
    ['a reason phrase', 'HTTP/1.1 200 '],
    ['a header', 'HTTP/1.1 200 OK\r\nx: '],
    ['something that is not HTTP', 'hello '],
  ])('passes on at most 16 KiB of %s, interim responses not counted', (_what, start) => {
    const head = `${start}${'x'.repeat(MAX_HEAD_BYTES - start.length - 4)}\r\n\r\n`;
    const before = 'HTTP/1.1 103 E\r\n\r\n';
    expect(scanText(before + head + 'body')).toMatchObject({ passed: head + 'body', limit: null });
    const longer = head.replace('x', 'xx');
    expect(scanText(before + longer + 'body')).toMatchObject({
      passed: longer.slice(0, MAX_HEAD_BYTES),
      limit: 'head_bytes',
    });
  });

  it('stops after MAX_READS reads, however small they are', () => {
    const pieces = Array.from({ length: MAX_READS }, () => Buffer.from('\n'));
    expect(scan(pieces).limit).toBeNull();
    expect(scan([...pieces, Buffer.from('\n')]).limit).toBe('reads');
  });

  it('counts work below HTTP as bytes', () => {
    const response = scanResponse();
    response.charge(MAX_RAW_BYTES);
    expect(response.limit).toBeNull();
    response.charge(1);
    expect(response.limit).toBe('raw_bytes');
  });

  it('property: the result does not depend on how the bytes are split', () => {
    const part = fc.oneof(
      fc.constantFrom(
        FINAL,
        'HTTP/1.1 100 Continue\r\n\r\n',
        'HTTP/1.0 103 E\r\nlink: x\r\n\r\n',
        'HTTP/1.1 101 S\r\n\r\n',
        'HTTP/1.1 1',
        'HTTP/1.1 100',
        '\r\n',
        '\n',
        '\r',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const long = fc.constantFrom(
      '',
      '',
      'HTTP/1.1 103 E\r\n\r\n'.repeat(11),
      `HTTP/1.1 200 ${'x'.repeat(MAX_HEAD_BYTES)}`,
    );
    fc.assert(
      fc.property(
        long,
        fc.array(part, { maxLength: 8 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (before, parts, shares) => {
          const bytes = Buffer.from(before + parts.join(''), 'latin1');
          expect(scan(cut(bytes, shares))).toEqual(scan([bytes]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps the beginning of what the parser sees until forgetHead', () => {
    const response = scanResponse();
    response.take(Buffer.from('HTTP/1.1 103 E\r\n\r\nHTT'));
    expect(response.head.toString()).toBe('');
    response.end();
    expect(response.head.toString()).toBe('HTT');
    for (let pieces = 0; pieces < 3; pieces++) response.take(Buffer.alloc(MAX_HEAD_BYTES, 'x'));
    expect(response.head).toHaveLength(MAX_HEAD_BYTES);
    response.forgetHead();
    response.take(Buffer.from('more'));
    expect(response.head).toHaveLength(0);
  });
});
