import { randomBytes } from 'node:crypto';

/** A signing secret, as packages/core creates them. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
