import { type Delivery, fill, WAITING_WORDS } from '@posthorn/contract';
import { relativeTime } from '../../components/time.js';

/** What a delivery waits for; null: it does not wait. */
export function waitingText({ waitingFor }: Pick<Delivery, 'waitingFor'>, now: number): string | null {
  if (waitingFor === null) return null;
  const { state, until } = waitingFor;
  return fill(WAITING_WORDS[state], { time: until === null ? 'within moments' : relativeTime(until, now) });
}
