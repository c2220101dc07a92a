interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CloseOptions {
  /** Ends everything, in order. */
  close: () => Promise<void>;
  /** After so long the process exits all the same, with 1. */
  timeoutMs: number;
  log: Log;
}

/** Ctrl-C reaches a whole process group, and npm passes it on as well: signals this close together are one wish. */
const SAME_WISH_MS = 1_000;

/** Ends the process after SIGTERM or SIGINT, or when the parent that holds its IPC channel is gone: closes, then exits 0. A
 *  second signal, an error on the way, or the deadline exits 1. An error that nobody caught does the same, with 1. */
export function closeOnSignal({ close, timeoutMs, log }: CloseOptions): void {
  let closingSince: number | null = null;

  async function shutDown(cause: string, exitCode: 0 | 1): Promise<void> {
    if (closingSince !== null) {
      if (Date.now() - closingSince < SAME_WISH_MS) return;
      log.warn({ cause }, 'shutdown.forced');
      process.exit(1);
    }
    closingSince = Date.now();
    log.info({ cause }, 'shutdown.started');
    setTimeout(() => {
      log.error({ timeoutMs }, 'shutdown.timed_out');
      process.exit(1);
    }, timeoutMs).unref();
    try {
      await close();
    } catch (error) {
      log.error({ err: error }, 'shutdown.failed');
      process.exit(1);
    }
    log.info({}, 'shutdown.done');
    process.exit(exitCode);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutDown(signal, 0));
  process.once('disconnect', () => void shutDown('parent gone', 0));
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      log.error({ err: error }, `process.${fault}`);
      void shutDown(fault, 1);
    });
  }
}
