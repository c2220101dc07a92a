import type { OpenTelemetryOptions } from './open-telemetry.js';

const LOG_EVERY_MS = 60_000;

/** Counts what never reached the collector. */
export interface Losses {
  /** `reason` is `queue_full`, or the code of the failed export, such as ECONNREFUSED or 401. */
  add(signal: 'traces' | 'metrics', count: number, reason: string): void;
  /** Logs what was not logged yet. */
  close(): void;
}

/** Writes the first loss at once, and then one line per minute at most. */
export function openLosses(log: OpenTelemetryOptions['log']): Losses {
  let counts = { spans: 0, metricExports: 0 };
  let reason = '';
  let timer: NodeJS.Timeout | null = null;

  function write(): void {
    if (counts.spans === 0 && counts.metricExports === 0) return;
    log.warn({ ...counts, reason }, 'telemetry.lost');
    counts = { spans: 0, metricExports: 0 };
  }

  return {
    add(signal, count, why) {
      counts[signal === 'traces' ? 'spans' : 'metricExports'] += count;
      reason = why;
      if (timer !== null) return;
      write();
      timer = setTimeout(() => {
        timer = null;
        write();
      }, LOG_EVERY_MS);
      timer.unref();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      write();
    },
  };
}

/** Returns a code without any text of the collector, which might repeat a header. */
export function reasonOf(error: Error | undefined): string {
  const code = error && 'code' in error ? error.code : null;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : 'failed';
}
