import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toTypeId, toUuid } from './id.js';

describe('ids', () => {
  it('a UUID comes back from its TypeID as the same 16 bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(toUuid('evt', toTypeId('evt', uuid))).toBe(uuid);
      }),
    );
  });

  it('agrees with the TypeID specification’s own example', () => {
    expect(toTypeId('sub', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('sub_01h455vb4pex5vsknk084sn02q');
  });

  it.each([
    ['another prefix', 'evt_01h455vb4pex5vsknk084sn02q'],
    ['no prefix', '01h455vb4pex5vsknk084sn02q'],
    ['upper case', 'sub_01H455VB4PEX5VSKNK084SN02Q'],
    ['a letter that base32 has not', 'sub_01h455vb4pex5vsknk084sn02l'],
    ['more than 128 bits', 'sub_81h455vb4pex5vsknk084sn02q'],
    ['one digit too few', 'sub_01h455vb4pex5vsknk084sn02'],
    ['a line break behind it', 'sub_01h455vb4pex5vsknk084sn02q\n'],
    ['a UUID', '01890a5d-ac96-774b-bcce-b302099a8057'],
    ['nothing', ''],
  ])('is null for %s', (_, id) => {
    expect(toUuid('sub', id)).toBeNull();
  });
});
