import type { Log } from './log.js';
import { isClosedRange } from './retention/closed-range.js';

// Postgres: shutting down, starting up, crashed, read-only standby. Then codes of the socket.
const AWAY_CODES = new Set(
  '57P01 57P02 57P03 25006 ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'.split(
    ' ',
  ),
);
// Messages of pg without a code.
const AWAY_MESSAGES = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
]);

/** Returns whether an error means that the database is unreachable, not that a statement is wrong. Waiting solves
 *  it, and it never counts as a failure of an endpoint. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // 08xxx: connection exceptions. 53xxx: out of connections, memory or disk. P1001, P1017…: Prisma cannot reach the
  // server. 25P03: idle for too long.
  if (AWAY_CODES.has(code) || /^(08|53)/.test(code) || /^P10(01|02|08|17)$/.test(code) || code === '25P03') return true;
  return AWAY_MESSAGES.has(error.message) || (error.cause !== undefined && isDatabaseAway(error.cause));
}

/** The statement took too long, behind a lock or on an overloaded database. */
export const isTimeout = (error: unknown): boolean => hasCode(error, '57014');

export const isDeadlock = (error: unknown): boolean => hasCode(error, '40P01');

/** Returns whether a statement only has to be repeated. */
export const isTransient = (error: unknown): boolean => isTimeout(error) || isDeadlock(error) || isClosedRange(error);

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Repeats a database call while Postgres is unavailable, or after a transient error: losing the result of a
 *  POST would mean another POST. Throws other errors, and any error once `signal` is aborted. */
export type RetryWhileUnavailable = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Logs once when the database becomes unavailable and once when it is back. Share one per process. */
export function makeRetryWhileUnavailable({ log }: { log: Log }): RetryWhileUnavailable {
  let awaySince: number | null = null;
  return async (work, signal) => {
    for (let attempts = 0; ; attempts += 1) {
      try {
        const result = await work();
        if (awaySince !== null) {
          log.info({ awayMs: Date.now() - awaySince }, 'database.back');
          awaySince = null;
        }
        return result;
      } catch (error) {
        if (signal?.aborted || !(isDatabaseAway(error) || isTransient(error))) throw error;
        if (awaySince === null && !isTransient(error)) {
          awaySince = Date.now();
          log.error({ err: error }, 'database.away');
        }
        await pause(Math.min(100 * 2 ** attempts, 1_000), signal);
      }
    }
  };
}

/** Resolves after `ms`, or at once when the signal aborts. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
