// The default import works however a bundler or runtime wraps this CommonJS package.
import sha256 from 'fast-sha256';

/** Whether one of the signatures in `webhook-signature` is that of the content with this key. Web Crypto is asynchronous: with it, a forgotten
 *  `await` of `verify` would let every request pass. */
export function isSigned(content: string, signatures: string, key: Uint8Array): boolean {
  const hmac = sha256.hmac(key, new TextEncoder().encode(content));
  const expected = btoa(String.fromCharCode(...hmac));
  return signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',');
    return version === 'v1' && isEqual(value, expected);
  });
}

/** Takes the same time wherever the texts differ, so that nobody can find a signature character by character. */
function isEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < expected.length; i++) difference |= given.charCodeAt(i) ^ expected.charCodeAt(i);
  return difference === 0;
}

/** Returns the bytes of a secret, `whsec_` and base64. Throws TypeError for another text. */
export function keyOf(secret: string): Uint8Array {
  const key = decodeBase64(secret.replace(/^whsec_/, ''));
  if (!key?.length) throw new TypeError('secret must be a signing secret of Posthorn, whsec_…');
  return key;
}

function decodeBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
