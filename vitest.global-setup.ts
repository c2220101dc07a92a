import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated, empty database to give to cloneDatabase. Nobody connects to it. */
    templateDatabaseUrl: string;
    /** null without Redis. */
    redisUrl: string | null;
    /** What the suites that need a queue run against: both, or Postgres alone where the machine has no Redis. */
    queueBackends: ('redis' | 'postgres')[];
    /** A Chromium; null without one. */
    browserPath: string | null;
  }
}

/** One Postgres and, where the machine has it, one Redis for all tests of a run, in a folder that goes with them. What a
 *  machine lacks is said at the end, where it is seen; in CI it is a failure. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Postgres, Redis and their folder go in any case: at the end of the run, or when the setup itself fails.
  const undo: (() => unknown)[] = [];
  const tearDown = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    await start(project, undo);
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

async function start(project: TestProject, undo: (() => unknown)[]): Promise<void> {
  const { startPostgres, startRedis } = await built(() => import('@posthorn/embedded'));
  const { cloneDatabase, findBrowser } = await built(() => import('@posthorn/testing'));
  const { migrateUp } = await built(() => import('@posthorn/core'));
  const { migrateQueues } = await built(() => import('@posthorn/jobs'));

  const folder = mkdtempSync(join(tmpdir(), 'posthorn-test-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const log = () => undefined;
  const redis = await startRedis({ directory: join(folder, 'redis'), log });
  undo.push(() => redis?.stop());
  if (!redis) {
    missed(undo, [
      'HALF OF THE TESTS DID NOT RUN',
      'No redis-server and no valkey-server on the PATH: nothing was tested',
      'against Redis. Install redis-server and run them again.',
    ]);
  }
  const browserPath = await findBrowser(join(folder, 'browser'), process.env);
  if (!browserPath) {
    missed(undo, ['THE BROWSER TESTS DID NOT RUN', 'No Chromium here: install one, or name it with CHROME_PATH.']);
  }
  const postgres = await startPostgres({ directory: join(folder, 'postgres'), log });
  undo.push(() => postgres.stop());

  const template = await cloneDatabase(postgres.url);
  await migrateUp({ url: template.url, log: silent });
  await migrateQueues({ backend: 'postgres', url: template.url });

  project.provide('templateDatabaseUrl', template.url);
  project.provide('redisUrl', redis?.url ?? null);
  project.provide('queueBackends', redis ? ['redis', 'postgres'] : ['postgres']);
  project.provide('browserPath', browserPath);
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function built<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new Error('The tests use the built packages: run `npm run build` first (`npm test` does).', { cause: error });
  }
}

function missed(undo: (() => unknown)[], lines: string[]): void {
  const bar = '!'.repeat(80);
  const banner = ['', bar, ...lines.map((line) => `!!!  ${line.padEnd(70)}  !!!`), bar, ''].join('\n');
  if (process.env['CI']) throw new Error(`${banner}\nIn CI that is a failure.`);
  undo.push(() => console.warn(banner));
}
