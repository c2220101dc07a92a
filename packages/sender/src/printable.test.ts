import { expect, it } from 'vitest';
import { printable } from './printable.js';

it('writes any bytes as one unambiguous line of printable ASCII', () => {
  expect(printable(Buffer.from('HTTP/1.1 200 "OK"\r\n\tü\\r'))).toBe('HTTP/1.1 200 \\"OK\\"\\r\\n\\t\\xc3\\xbc\\\\r');
  expect(printable(Buffer.from([0, 0x1b, 0x7f, 0xff]))).toBe('\\x00\\x1b\\x7f\\xff');
  expect(printable(new Uint8Array())).toBe('');
});
