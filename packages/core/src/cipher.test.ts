import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCipher, rememberOpened } from './cipher.js';

const newKey = () => randomBytes(32).toString('base64');

describe('cipher', () => {
  it('opens what it sealed, and the same text never seals to the same bytes', () => {
    const cipher = openCipher({ current: newKey() });
    const [one, other] = [cipher.seal('whsec_☃'), cipher.seal('whsec_☃')];
    expect(cipher.open(one)).toBe('whsec_☃');
    expect(one.equals(other)).toBe(false);
    expect(one.includes('whsec')).toBe(false);
  });

  it('after a change of the key, what the old one sealed still opens, and new things name the new key (X8)', () => {
    const [old, next] = [newKey(), newKey()];
    const sealed = openCipher({ current: old }).seal('secret');
    const rotated = openCipher({ current: next, previous: [old] });
    expect(rotated.open(sealed)).toBe('secret');
    expect(rotated.seal('secret').toString('hex', 0, 8)).toBe(rotated.keyId);
    expect(() => openCipher({ current: next }).open(sealed)).toThrow(/not configured/);
  });

  it('refuses bytes that were altered', () => {
    const cipher = openCipher({ current: newKey() });
    const sealed = cipher.seal('secret');
    for (const at of [8, 21, sealed.length - 1]) {
      const altered = Buffer.from(sealed);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      expect(() => cipher.open(altered)).toThrow();
    }
  });

  it('takes hex and base64 of 32 bytes and refuses all else without repeating it', () => {
    const key = randomBytes(32);
    expect(openCipher({ current: key.toString('hex') }).keyId).toBe(
      openCipher({ current: key.toString('base64') }).keyId,
    );
    expect(() => openCipher({ current: 'hunter2' })).toThrow(/encryption key 1 is not 32 bytes/);
    expect(() => openCipher({ current: 'hunter2' })).not.toThrow(/hunter2/);
  });

  it('remembering changes nothing but the cost: the right text for each, and what cannot be opened is refused each time', () => {
    const cipher = openCipher({ current: newKey() });
    const remembering = rememberOpened(cipher, 2);
    const sealed = ['a', 'b', 'c', 'd'].map((text) => cipher.seal(text));
    for (let round = 0; round < 3; round += 1) {
      expect(sealed.map((one) => remembering.open(one))).toEqual(['a', 'b', 'c', 'd']);
    }
    const foreign = openCipher({ current: newKey() }).seal('x');
    for (let round = 0; round < 2; round += 1) expect(() => remembering.open(foreign)).toThrow(/not configured/);
  });
});
