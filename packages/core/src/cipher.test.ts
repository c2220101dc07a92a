import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCipher, rememberOpened } from './cipher.js';

const newKey = () => randomBytes(32).toString('base64');

describe('cipher', () => {
  it('decrypts what it encrypted, and encrypts the same text differently each time', () => {
    const cipher = openCipher({ current: newKey() });
    const [one, other] = [cipher.seal('whsec_☃', 'secret:a'), cipher.seal('whsec_☃', 'secret:a')];
    expect(cipher.open(one, 'secret:a')).toBe('whsec_☃');
    expect(one.equals(other)).toBe(false);
    expect(one.includes('whsec')).toBe(false);
  });

  it('does not decrypt a value of another subscription or kind', () => {
    const cipher = openCipher({ current: newKey() });
    for (const opener of [cipher, rememberOpened(cipher)]) {
      const sealed = opener.seal('whsec_x', 'secret:a');
      expect(opener.open(sealed, 'secret:a')).toBe('whsec_x');
      expect(() => opener.open(sealed, 'secret:b')).toThrow(/authenticate/);
      expect(() => opener.open(sealed, 'headers:a')).toThrow(/authenticate/);
      expect(() => opener.open(sealed.subarray(1), 'secret:a')).toThrow(); // disguised as the first version
    }
  });

  it('decrypts a value of the first version, which names no subscription', () => {
    const key = randomBytes(32);
    const nonce = randomBytes(12);
    const gcm = createCipheriv('aes-256-gcm', key, nonce);
    const text = Buffer.concat([gcm.update('whsec_old', 'utf8'), gcm.final()]);
    const id = createHash('sha256').update('posthorn key id').update(key).digest().subarray(0, 8);
    const sealed = Buffer.concat([id, nonce, gcm.getAuthTag(), text]);
    expect(openCipher({ current: key.toString('hex') }).open(sealed, 'secret:a')).toBe('whsec_old');
    expect(() => openCipher({ current: newKey() }).open(sealed, 'secret:a')).toThrow(/not configured/);
  });

  it('after a key change it still decrypts old values, and encrypts new ones with the new key', () => {
    const [old, next] = [newKey(), newKey()];
    const sealed = openCipher({ current: old }).seal('secret', 'secret:a');
    const rotated = openCipher({ current: next, previous: [old] });
    expect(rotated.open(sealed, 'secret:a')).toBe('secret');
    expect(rotated.seal('secret', 'secret:a').toString('hex', 1, 9)).toBe(rotated.keyId);
    expect(() => openCipher({ current: next }).open(sealed, 'secret:a')).toThrow(/not configured/);
  });

  it('refuses bytes that were changed or cut', () => {
    const cipher = openCipher({ current: newKey() });
    const sealed = cipher.seal('secret', 'secret:a');
    for (const at of [0, 1, 9, 22, sealed.length - 1]) {
      const altered = Buffer.from(sealed);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      expect(() => cipher.open(altered, 'secret:a')).toThrow();
    }
    for (const length of [0, 1, 9, 21, 25, 36, sealed.length - 1]) {
      expect(() => cipher.open(sealed.subarray(0, length), 'secret:a')).toThrow();
    }
  });

  it('accepts 32 bytes as hex or base64, refuses anything else and does not repeat it', () => {
    const key = randomBytes(32);
    expect(openCipher({ current: key.toString('hex') }).keyId).toBe(
      openCipher({ current: key.toString('base64') }).keyId,
    );
    expect(() => openCipher({ current: 'hunter2' })).toThrow(/encryption key 1 is not 32 bytes/);
    expect(() => openCipher({ current: 'hunter2' })).not.toThrow(/hunter2/);
  });

  it('a cache returns the same results, and refuses invalid values each time', () => {
    const cipher = openCipher({ current: newKey() });
    const remembering = rememberOpened(cipher, 2);
    const sealed = ['a', 'b', 'c', 'd'].map((text) => cipher.seal(text, 'secret:a'));
    for (let round = 0; round < 3; round += 1) {
      expect(sealed.map((one) => remembering.open(one, 'secret:a'))).toEqual(['a', 'b', 'c', 'd']);
    }
    const foreign = openCipher({ current: newKey() }).seal('x', 'secret:a');
    for (let round = 0; round < 2; round += 1) {
      expect(() => remembering.open(foreign, 'secret:a')).toThrow(/not configured/);
    }
  });
});
