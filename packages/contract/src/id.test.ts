import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdPrefix, toTypeId, toUuid, uuidRange } from './id.js';

const prefixes = fc.constantFrom<IdPrefix>('sub', 'evt', 'dlv', 'att', 'key', 'ver');
const suffixes = fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);

describe('ids', () => {
  it('converts a UUID of any bits to a TypeID and back', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(toUuid('evt', toTypeId('evt', uuid))).toBe(uuid);
      }),
    );
  });

  it('property: ids sort like their UUIDs, and another prefix does not read them', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), prefixes, prefixes, (one, two, prefix, other) => {
        expect(toTypeId(prefix, one) < toTypeId(prefix, two)).toBe(one < two);
        if (prefix !== other) expect(toUuid(other, toTypeId(prefix, one))).toBeNull();
      }),
    );
  });

  it('regression: reads any 128 bits, including UUIDs of an unknown version, and never throws', () => {
    expect(toUuid('evt', 'evt_00aanvanm00jjpmnknppapknak')).toBe('0052abb5-5680-04a5-6a56-75b59569d553');
    fc.assert(
      fc.property(prefixes, suffixes, (prefix, suffix) => {
        const digits = Array.from(suffix, (digit) => BigInt('0123456789abcdefghjkmnpqrstvwxyz'.indexOf(digit)));
        const bits = digits.reduce((sum, digit) => sum * 32n + digit, 0n);
        const uuid = toUuid(prefix, `${prefix}_${suffix}`);
        expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(BigInt(`0x${uuid?.replaceAll('-', '')}`)).toBe(bits);
      }),
    );
  });

  it('property: the ids that begin with a text are a range of UUIDs', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.integer({ min: 5, max: 30 }), (one, other, length) => {
        const beginning = toTypeId('evt', one).slice(0, length);
        const { from = '', before = '' } = uuidRange('evt', beginning) ?? {};
        expect(from <= one && one < before).toBe(true);
        expect(from <= other && other < before).toBe(toTypeId('evt', other).startsWith(beginning));
      }),
    );
    const whole = 'evt_01jd4q8y3ne9mav5w2xkq7rf0c';
    expect(uuidRange('evt', whole)?.from).toBe(toUuid('evt', whole));
    for (const none of ['evt', 'evt_', 'evt_i', 'evt_8', 'dlv_01', `${whole}0`, 'evt_01!', ''])
      expect(uuidRange('evt', none)).toBeNull();
  });

  it('property: rejects any other text', () => {
    fc.assert(
      fc.property(
        prefixes,
        suffixes,
        fc.nat(30),
        fc.string({ minLength: 1, maxLength: 2 }),
        (prefix, suffix, at, junk) => {
          const id = `${prefix}_${suffix}`;
          expect(toUuid(prefix, id.slice(0, at) + junk + id.slice(at))).toBeNull();
        },
      ),
    );
  });

  it('matches the example of the TypeID specification', () => {
    expect(toTypeId('sub', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('sub_01h455vb4pex5vsknk084sn02q');
  });

  it.each([
    ['another prefix', 'evt_01h455vb4pex5vsknk084sn02q'],
    ['no prefix', '01h455vb4pex5vsknk084sn02q'],
    ['upper case', 'sub_01H455VB4PEX5VSKNK084SN02Q'],
    ['a letter outside base32', 'sub_01h455vb4pex5vsknk084sn02l'],
    ['more than 128 bits', 'sub_81h455vb4pex5vsknk084sn02q'],
    ['one digit too few', 'sub_01h455vb4pex5vsknk084sn02'],
    ['a trailing line break', 'sub_01h455vb4pex5vsknk084sn02q\n'],
    ['a UUID', '01890a5d-ac96-774b-bcce-b302099a8057'],
    ['nothing', ''],
  ])('returns null for %s', (_, id) => {
    expect(toUuid('sub', id)).toBeNull();
  });
});
