import type { Log } from './log.js';

// Postgres' own codes: shutting down, starting up, crashed, out of connections; and the socket's.
const AWAY_CODES = new Set(
  '57P01 57P02 57P03 53300 ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH'.split(
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
  // 08xxx: the connection exceptions. P1001, P1017…: Prisma could not reach the server. 25P03: idle for too long.
  if (AWAY_CODES.has(code) || code.startsWith('08') || /^P10(01|02|08|17)$/.test(code) || code === '25P03') return true;
  return AWAY_MESSAGES.has(error.message) || (error.cause !== undefined && isDatabaseAway(error.cause));
}

/** Repeats work for as long as the database is away. Says so once when it goes and once when it is back, however many
 *  callers wait. */
export interface Patience {
  /** Resolves as `work` does. Rethrows what is no absence of the database; and any error once `signal` is aborted. */
  until<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function openPatience({ log }: { log: Log }): Patience {
  let awaySince: number | null = null;
  return {
    async until(work, signal) {
      for (let tries = 0; ; tries += 1) {
        try {
          const result = await work();
          if (awaySince !== null) {
            log.info({ awayMs: Date.now() - awaySince }, 'database.back');
            awaySince = null;
          }
          return result;
        } catch (error) {
          if (!isDatabaseAway(error) || signal?.aborted) throw error;
          if (awaySince === null) {
            awaySince = Date.now();
            log.error({ err: error }, 'database.away');
          }
          await pause(Math.min(100 * 2 ** tries, 1_000), signal);
        }
      }
    },
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
