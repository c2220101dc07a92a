import { randomBytes } from 'node:crypto';

/** A signing secret in Standard Webhooks' form: `whsec_` and the base64 of 24 to 64 bytes; ours has 32. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
