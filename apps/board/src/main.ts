import { openProducer } from '@posthorn/jobs';
import { closeOnSignal, readVersion } from '@posthorn/lifecycle';
import { SettingsError } from '@posthorn/settings';
import pino from 'pino';
import { buildApp } from './app.js';
import { readBoardEnv, type BoardEnv } from './env.js';

async function main(env: BoardEnv): Promise<void> {
  const log = pino({ level: env.logLevel, base: { app: 'board' } });
  const producer = openProducer(env.queue, { log });
  let draining = false;
  const app = await buildApp({
    ...env,
    queues: producer.queues,
    checkQueue: () => producer.check(),
    isDraining: () => draining,
    version: readVersion(new URL('../package.json', import.meta.url)),
    log,
    now: Date.now,
  });
  const url = await app.listen({ host: env.host, port: env.port });
  log.info({ url, queueBackend: env.queue.backend, readOnly: env.readOnly }, 'board.listening');
  closeOnSignal({
    timeoutMs: env.shutdownTimeoutMs,
    log,
    close: async () => {
      draining = true;
      await app.close();
      await producer.close();
    },
  });
}

try {
  await main(readBoardEnv(process.env));
} catch (error) {
  const text = error instanceof Error && !(error instanceof SettingsError) ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
