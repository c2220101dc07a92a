/** How one attempt of a request ended. */
export type AttemptEnd =
  | { status: number; retryAfterMs: number | null }
  /** No response. `connected`: whether the request may have arrived. */
  | { status: null; connected: boolean };

/** Decides whether to repeat a request. Returns how long to wait first; null: do not repeat it.
 *
 *  `repeatable`: Posthorn handles a second copy of the request as if it were the only one.
 *
 *  all attempts made                          no
 *  429                                        yes: the request had no effect
 *  not connected                              yes: the request had no effect
 *  502, 503, 504, or the connection failed    if it is repeatable
 *  else                                       no
 *
 *  It waits 0.25, 0.5, 1, 2 s …, at most 8 s, of which up to half is random. It never waits less than Retry-After. */
export function retryWaitMs(
  end: AttemptEnd,
  {
    attempt,
    maxAttempts,
    repeatable,
    random,
  }: { attempt: number; maxAttempts: number; repeatable: boolean; random: () => number },
): number | null {
  if (attempt >= maxAttempts) return null;
  const isTemporary = end.status === null || [429, 502, 503, 504].includes(end.status);
  if (!isTemporary || !(hadNoEffect(end) || repeatable)) return null;
  const backoffMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
  const retryAfterMs = end.status === null ? 0 : (end.retryAfterMs ?? 0);
  return Math.max(backoffMs / 2, retryAfterMs) + (random() * backoffMs) / 2;
}

/** Whether an attempt that ended so cannot have changed anything. */
export const hadNoEffect = (end: AttemptEnd): boolean => (end.status === null ? !end.connected : end.status === 429);

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
