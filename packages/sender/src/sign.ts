import { createHmac } from 'node:crypto';
import { parseSecret } from './secret.js';

/** Signs `id.timestamp.body` according to Standard Webhooks 1.0. Returns `v1,<base64 of HMAC-SHA256>`. Throws if the
 *  secret is invalid (see parseSecret) or the id contains a dot, which would let two messages share a signature. */
export function sign(secret: string, id: string, timestampSeconds: number, body: Uint8Array): string {
  if (id.includes('.')) throw new Error('A webhook-id must not contain a dot');
  const digest = createHmac('sha256', parseSecret(secret)).update(`${id}.${timestampSeconds}.`).update(body);
  return `v1,${digest.digest('base64')}`;
}

/** Returns the value of `webhook-signature`: one signature per valid secret, so that endpoints with the old secret
 *  can verify, too. */
export function signWithAll(secrets: string[], id: string, timestampSeconds: number, body: Uint8Array): string {
  if (secrets.length === 0) throw new Error('A post needs at least one signing secret');
  return secrets.map((secret) => sign(secret, id, timestampSeconds, body)).join(' ');
}
