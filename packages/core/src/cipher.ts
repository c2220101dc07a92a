import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** The kind of a sealed value and the id of its subscription, used as additional authenticated data. So a value
 *  cannot be moved to another subscription, even by someone with write access to the database. */
export type SealedFor = `${'secret' | 'headers' | 'authentication'}:${string}`;

/** Encrypts secrets at rest with AES-256-GCM. A sealed value names its key, so keys can be rotated: the new key
 *  encrypts, old keys still decrypt. */
export interface Cipher {
  /** The id of the encrypting key: 16 hex digits. */
  keyId: string;
  /** Returns version, key id, nonce, tag and ciphertext. The same text gives different bytes each time. */
  seal(text: string, sealedFor: SealedFor): Buffer;
  /** Throws if the bytes were changed, were sealed for something else, or name an unknown key. */
  open(sealed: Uint8Array, sealedFor: SealedFor): string;
}

// A value of the first version has neither this byte nor additional data. It is still decrypted, because local stacks
// keep their data. A current value cannot pass as one of the first version, because its tag covers the additional data.
const VERSION = Buffer.of(1);
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12; // NIST SP 800-38D §8.2: 96 bits, random
const TAG_BYTES = 16;

/** Keys are 32 bytes as base64 or hex. Throws for an invalid key and names its position, never its value. */
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
        authTagLength: TAG_BYTES, // otherwise Node accepts a shorter tag
      });
      if (!isOfFirstForm) decipher.setAAD(Buffer.from(sealedFor));
      decipher.setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES));
      return decipher.update(bytes.subarray(tagAt + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

/** Returns the cipher with a cache of the last `most` decrypted texts, because every attempt decrypts its
 *  subscription's secrets. */
export function rememberOpened(cipher: Cipher, most = 1_000): Cipher {
  const opened = new Map<string, string>();
  return {
    ...cipher,
    open(sealed, sealedFor) {
      const key = `${sealedFor} ${Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).toString('latin1')}`;
      const known = opened.get(key);
      if (known !== undefined) return known;
      const text = cipher.open(sealed, sealedFor);
      if (opened.size >= most) opened.clear(); // rare and cheap, unlike tracking each use
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
  // A hash of a random key does not reveal it.
  return {
    id: createHash('sha256')
      .update('posthorn key id')
      .update(bytes)
      .digest('hex')
      .slice(0, KEY_ID_BYTES * 2),
    bytes,
  };
}
