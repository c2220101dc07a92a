const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24; // Standard Webhooks: 24 to 64 bytes of key
const MAX_KEY_BYTES = 64;

/** Returns the key of a `whsec_…` secret. Throws unless the secret is `whsec_` and canonical, padded, standard
 *  base64 of 24 to 64 bytes. The message never repeats the secret. */
export function parseSecret(secret: string): Buffer {
  if (!secret.startsWith(PREFIX)) throw new Error(`A signing secret must start with ${PREFIX}`);
  const encoded = secret.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  // Buffer.from never fails: it skips unknown characters and accepts URL-safe ones. Encoding the key again shows
  // whether it was valid.
  if (key.toString('base64') !== encoded) {
    throw new Error(`A signing secret must be ${PREFIX} followed by padded standard base64`);
  }
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES) {
    throw new Error(`A signing secret must contain ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes, not ${key.length}`);
  }
  return key;
}
