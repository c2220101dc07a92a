interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface CloseOptions {
  /** Closes everything in order. */
  close: () => Promise<void>;
  /** Exits with 1 if `close` takes longer. */
  timeoutMs: number;
  log: Log;
}

/** Ctrl-C signals the whole process group, and npm forwards it too. Signals within this time count as one. */
const SAME_SIGNAL_MS = 1_000;

/** Closes and then exits with 0 after SIGTERM or SIGINT, or when the parent process closes the IPC channel.
 *  Exits with 1 after a second signal, an error while closing, or the timeout.
 *  An uncaught error also closes and then exits with 1. */
export function closeOnSignal({ close, timeoutMs, log }: CloseOptions): void {
  let closingSince: number | null = null;

  async function shutDown(cause: string, exitCode: 0 | 1): Promise<void> {
    if (closingSince !== null) {
      if (Date.now() - closingSince < SAME_SIGNAL_MS) return;
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
