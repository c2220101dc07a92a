import { randomBytes } from 'node:crypto';

/** Returns a new signing secret in the format of Standard Webhooks: `whsec_` and the base64 of 32 bytes (24 to 64
 *  are allowed). */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
