import { ChangeSubscription } from '@posthorn/contract';
import * as z from 'zod';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const UNITS = ['d', 'h', 'm', 's'] as const;
const WAIT = /^(\d{1,9})([smhd]?)$/;
const NO_RETRIES = 'none';

const SCHEDULE = 'Enter waits with commas between them, such as 10s, 5m, 2h. Leave it empty for the default.';
const TIMEOUT = 'Enter a number of seconds, or leave it empty for the default.';

/** An input for a retry schedule, such as `10s, 5m, 2h`. Empty: the default. `none`: no retries. */
export const scheduleInput = z
  .string()
  .transform((text, context) => {
    const waits = parseSchedule(text);
    if (waits !== undefined) return waits;
    context.addIssue(SCHEDULE);
    return z.NEVER;
  })
  .pipe(ChangeSubscription.shape.retrySchedule.unwrap());

/** Returns null for an empty text; undefined if the text is not a schedule. */
function parseSchedule(text: string): number[] | null | undefined {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === '') return null;
  if (trimmed === NO_RETRIES) return [];
  const waits = trimmed.split(',').map((wait) => WAIT.exec(wait.trim()));
  return waits.every((wait) => wait !== null)
    ? waits.map(([, count, unit]) => Number(count) * SECONDS[(unit || 's') as keyof typeof SECONDS])
    : undefined;
}

/** The text of a schedule, as scheduleInput reads it. */
export function scheduleText(schedule: number[] | null): string {
  if (schedule === null) return '';
  return schedule.length === 0 ? NO_RETRIES : schedule.map(waitText).join(', ');
}

function waitText(seconds: number): string {
  const unit = UNITS.find((one) => seconds >= SECONDS[one] && seconds % SECONDS[one] === 0) ?? 's';
  return `${seconds / SECONDS[unit]}${unit}`;
}

/** An input for a timeout in seconds; empty: the default. */
export const timeoutInput = z
  .string()
  .trim()
  .regex(/^(\d{1,6}(\.\d{1,3})?)?$/, { error: TIMEOUT, abort: true })
  .transform((text) => (text === '' ? null : Math.round(Number(text) * 1_000)))
  .refine((ms) => ms === null || ms >= 100, { error: 'Must be at least 0.1 seconds.', abort: true })
  .refine((ms) => ms === null || ms <= 120_000, { error: 'Must be at most 120 seconds.', abort: true })
  .pipe(ChangeSubscription.shape.timeoutMs.unwrap());

export const timeoutText = (timeoutMs: number | null): string => (timeoutMs === null ? '' : String(timeoutMs / 1_000));
