import { ChangeSubscription } from '@posthorn/contract';
import * as z from 'zod';

const RATE = 'Enter a whole number of attempts per second, or leave it empty.';

/** An input for a rate limit; empty: no limit. */
export const rateLimitInput = z
  .string()
  .trim()
  .regex(/^\d*$/, { error: RATE, abort: true })
  .transform((text) => (text === '' ? null : Number(text)))
  .pipe(ChangeSubscription.shape.rateLimit.unwrap());
