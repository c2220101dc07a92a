import { createHmac } from 'node:crypto';
import { parseSecret } from './secret.js';

/** Signs `id.timestamp.body` as Standard Webhooks 1.0 wants it and returns `v1,<base64 of HMAC-SHA256>`.
 *  Throws if the secret is none (see parseSecret) or the id has a dot, which would let two messages share one signature. */
export function sign(secret: string, id: string, timestampSeconds: number, body: Uint8Array): string {
  if (id.includes('.')) throw new Error('A webhook-id must not contain a dot');
  const digest = createHmac('sha256', parseSecret(secret)).update(`${id}.${timestampSeconds}.`).update(body);
  return `v1,${digest.digest('base64')}`;
}

/** The value of `webhook-signature`: one signature per valid secret, so that a receiver which still has the old one verifies too. */
export function signWithAll(secrets: string[], id: string, timestampSeconds: number, body: Uint8Array): string {
  if (secrets.length === 0) throw new Error('A post needs at least one signing secret');
  return secrets.map((secret) => sign(secret, id, timestampSeconds, body)).join(' ');
}
