import { closeOnSignal, readVersion } from '@posthorn/lifecycle';
import { SettingsError } from '@posthorn/settings';
import { pino } from 'pino';
import { readWorkerEnv } from './env.js';
import { startWorker } from './worker.js';

try {
  const env = readWorkerEnv(process.env);
  // Writes lines in batches, within half a second: a write per attempt would cost more CPU than the line itself.
  const output = pino.destination({ sync: false, minLength: 4_096, periodicFlush: 500 });
  const log = pino({ level: env.logLevel, base: { app: 'worker', pid: process.pid } }, output);
  const worker = await startWorker(env, {
    log,
    version: readVersion(new URL('../package.json', import.meta.url)),
  });
  log.info(
    { healthUrl: worker.healthUrl, queueBackend: env.queue.backend, concurrency: env.workerConcurrency },
    'worker.started',
  );
  closeOnSignal({ close: worker.stop, timeoutMs: env.shutdownTimeoutMs + 2_000, log });
} catch (error) {
  process.stderr.write(`${error instanceof SettingsError ? error.message : String(error)}\n`);
  process.exit(1);
}
