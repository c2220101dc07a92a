import { type Delivery, fill, WAITING_WORDS } from '@posthorn/contract';
import { relativeTime } from '../../components/time.js';

/** What a delivery waits for; null: its status says it already, or it does not wait. */
export function waitingText({ waitingFor, attemptCount }: Delivery, now: number): string | null {
  if (waitingFor === null) return null;
  const { state, until } = waitingFor;
  if (state === 'scheduled' && attemptCount > 0) return null;
  return fill(WAITING_WORDS[state], { time: until === null ? 'within moments' : relativeTime(until, now) });
}
