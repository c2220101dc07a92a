import type { Log } from './log.js';

// Postgres' own codes: shutting down, starting up, crashed, a standby that takes no writes (yet); and the socket's.
const AWAY_CODES = new Set(
  '57P01 57P02 57P03 25006 ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'.split(
    ' ',
  ),
);
// What pg says without giving a code.
const AWAY_MESSAGES = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
]);

/** Whether an error says that the database cannot be reached, rather than that a statement is wrong. Such a fault is
 *  ours: waiting cures it, and it never counts against a receiver. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // 08xxx: the connection exceptions. 53xxx: out of connections, memory or disk. P1001, P1017…: Prisma could not reach the server. 25P03: idle for too long.
  if (AWAY_CODES.has(code) || /^(08|53)/.test(code) || /^P10(01|02|08|17)$/.test(code) || code === '25P03') return true;
  return AWAY_MESSAGES.has(error.message) || (error.cause !== undefined && isDatabaseAway(error.cause));
}

/** Nothing is wrong with a statement that lost a deadlock (40P01), or that met its timeout (57014) behind somebody's lock or on
 *  a database that is overloaded: it only has to be repeated. */
const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '57014');

/** Repeats a database call while Postgres is away, and a call that lost a deadlock or met a timeout: giving up the result of a POST
 *  would mean to POST again. Returns what the call returns. Throws what repeating does not cure, and any error once `signal` is
 *  aborted. */
export type RetryWhileUnavailable = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Logs once when the database goes and once when it is back, however many callers wait: share it within a process. */
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
        if (signal?.aborted || !(isDatabaseAway(error) || isPassing(error))) throw error;
        if (awaySince === null && !isPassing(error)) {
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
