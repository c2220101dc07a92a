import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { responseText } from './response-text.js';

const read = (bytes: Uint8Array | string, contentType: string | null = null, isCut = false) =>
  responseText(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, {
    headers: contentType === null ? null : { 'content-type': contentType },
    isCut,
  });
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

describe('responseText', () => {
  it.each([
    ['UTF-8 without a content type', Buffer.from('Grüße ☃'), null, 'Grüße ☃'],
    ['UTF-8 with a mark', Buffer.from('\ufeffok'), null, 'ok'],
    ['UTF-16 with a mark', Buffer.from('\ufeffGrüße', 'utf16le'), 'text/plain', 'Grüße'],
    ['big-endian UTF-16 with a mark', utf16be('\ufeffGrüße'), null, 'Grüße'],
    ['UTF-16 according to the content type', Buffer.from('Grüße', 'utf16le'), 'text/plain; charset=utf-16le', 'Grüße'],
    ['latin1 according to the content type', 'Gr\xfc\xdfe', 'text/html;charset=ISO-8859-1', 'Grüße'],
    ['a name in quotes', '\xc4\xe0', 'text/html; charset="windows-1251"', 'Да'],
    ['Shift_JIS', '\x93\xfa\x96\x7b', 'text/html; Charset = Shift_JIS ; x=y', '日本'],
    ['UTF-8 with a name that is unknown', Buffer.from('☃'), 'text/plain; charset=snow', '☃'],
    ['UTF-8 with a name that does not fit', Buffer.from('Grüße'), 'text/plain; charset=us-ascii-7, utf-8', 'Grüße'],
    ['latin1 declared as UTF-8', 'caf\xe9', 'text/plain; charset=utf-8', 'café'],
    ['latin1 without a content type', 'caf\xe9', null, 'café'],
    ['NUL', 'a\0b', null, 'a\0b'],
    ['nothing', '', 'text/plain; charset=utf-8', ''],
  ])('reads %s', (_what, bytes, contentType, text) => {
    expect(read(bytes, contentType)).toBe(text);
  });

  it('drops an unfinished character at the end only if the bytes were cut', () => {
    const bytes = Buffer.from('né').subarray(0, -1);
    expect(read(bytes, null, true)).toBe('n');
    expect(read(bytes, null, false)).toBe('nÃ');
    expect(read(Buffer.from('né', 'utf16le').subarray(0, -1), 'x/y; charset=utf-16le', true)).toBe('n');
  });

  it('property: never throws, and reads valid UTF-8 exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.boolean(), (bytes, contentType, isCut) => {
        expect(typeof read(bytes, contentType, isCut)).toBe('string');
        expect(typeof read(bytes, `; charset=${contentType}`, isCut)).toBe('string');
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => !/^\ufeff|\p{Surrogate}/u.test(text)),
        (text) => {
          expect(read(Buffer.from(text))).toBe(text);
        },
      ),
    );
  });
});
