import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** What a sealed value is, and the id of the subscription that it belongs to. It is the additional authenticated data of the
 *  cipher: nobody who can write to the database can make one subscription use the value of another one. */
export type SealedFor = `${'secret' | 'headers'}:${string}`;

/** Seals secrets at rest with AES-256-GCM. A sealed value names its key, so that keys can be rotated: the new key seals,
 *  old keys still open. */
export interface Cipher {
  /** The id of the key that seals: 16 hex digits. */
  keyId: string;
  /** Returns version, key id, nonce, tag and ciphertext in one. Sealing the same text twice gives different bytes. */
  seal(text: string, sealedFor: SealedFor): Buffer;
  /** Throws if the bytes were altered, if they were sealed for something else, or if their key is not known here. */
  open(sealed: Uint8Array, sealedFor: SealedFor): string;
}

// A value of the first form has neither this byte nor additional data. It still opens, since local stacks keep their data. A
// value of this form does not open as one of the first form: its tag covers the additional data.
const VERSION = Buffer.of(1);
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12; // NIST SP 800-38D §8.2: 96 bits, random
const TAG_BYTES = 16;

/** Keys are 32 bytes, written as base64 or hex. Throws on any other, naming which one and never its value. */
export function openCipher({ current, previous = [] }: { current: string; previous?: string[] }): Cipher {
  const keys = [current, ...previous].map((text, index) => readKey(text, index));
  const byId = new Map(keys.map((key) => [key.id, key.bytes]));
  const [{ id: keyId, bytes: sealing }] = keys as [(typeof keys)[number]];
  return {
    keyId,
    seal(text, sealedFor) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(sealedFor));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([VERSION, Buffer.from(keyId, 'hex'), nonce, cipher.getAuthTag(), sealed]);
    },
    open(sealed, sealedFor) {
      const whole = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
      const isOfFirstForm = whole[0] !== VERSION[0] || byId.has(keyIdOf(whole));
      const bytes = isOfFirstForm ? whole : whole.subarray(VERSION.length);
      const id = keyIdOf(bytes);
      const key = byId.get(id);
      if (!key) throw new Error(`sealed with encryption key ${id}, which is not configured here`);
      const tagAt = KEY_ID_BYTES + NONCE_BYTES;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(KEY_ID_BYTES, tagAt), {
        authTagLength: TAG_BYTES, // or Node would take a shorter one
      });
      if (!isOfFirstForm) decipher.setAAD(Buffer.from(sealedFor));
      decipher.setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES));
      return decipher.update(bytes.subarray(tagAt + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** The same cipher, which remembers the last `most` texts that it opened: the secrets of a busy subscription are opened for
 *  each of its attempts. */
export function rememberOpened(cipher: Cipher, most = 1_000): Cipher {
  const opened = new Map<string, string>();
  return {
    ...cipher,
    open(sealed, sealedFor) {
      const key = `${sealedFor} ${Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).toString('latin1')}`;
      const known = opened.get(key);
      if (known !== undefined) return known;
      const text = cipher.open(sealed, sealedFor);
      if (opened.size >= most) opened.clear(); // rare and cheap, where counting uses would cost at each
      opened.set(key, text);
      return text;
    },
  };
}

const keyIdOf = (bytes: Buffer): string => bytes.toString('hex', 0, KEY_ID_BYTES);

function readKey(text: string, index: number): { id: string; bytes: Buffer } {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (bytes.length !== 32) {
    throw new Error(
      `encryption key ${index + 1} is not 32 bytes of base64 or hex; make one with: openssl rand -base64 32`,
    );
  }
  // A hash of a random key tells nothing of it.
  return {
    id: createHash('sha256')
      .update('posthorn key id')
      .update(bytes)
      .digest('hex')
      .slice(0, KEY_ID_BYTES * 2),
    bytes,
  };
}
