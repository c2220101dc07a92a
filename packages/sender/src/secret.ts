const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24; // Standard Webhooks: 24 to 64 bytes of key
const MAX_KEY_BYTES = 64;

/** Returns the key inside a `whsec_…` secret. Throws on anything that is not `whsec_` and canonical, padded, standard base64
 *  of 24 to 64 bytes. The message never repeats the secret. */
export function parseSecret(secret: string): Buffer {
  if (!secret.startsWith(PREFIX)) throw new Error(`A signing secret must start with ${PREFIX}`);
  const encoded = secret.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  // Buffer.from never fails: it skips what it does not know and takes URL-safe letters. Only the way back shows what was read.
  if (key.toString('base64') !== encoded) {
    throw new Error(`A signing secret must be ${PREFIX} followed by padded standard base64`);
  }
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES) {
    throw new Error(`A signing secret must hold ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes, not ${key.length}`);
  }
  return key;
}
