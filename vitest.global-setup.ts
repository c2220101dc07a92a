import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { startPostgres, startRedis } from '@posthorn/embedded';
import { migrateUp } from '@posthorn/core/database-tools';
import { migrateQueues } from '@posthorn/jobs';
import { cloneDatabase, findBrowser, makeScratchFolder } from '@posthorn/testing';
import type { TestProject } from 'vitest/node';
import { build } from './vitest.build.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated, empty database for cloneDatabase. Tests must not connect to it. */
    templateDatabaseUrl: string;
    /** null without Redis. */
    redisUrl: string | null;
    /** The queue backends of the tests: both, or only Postgres if the machine has no Redis. */
    queueBackends: ('redis' | 'postgres')[];
    /** A Chromium; null without one, and in the database tier. */
    browserPath: string | null;
    /** A PgBouncer; null without one, and in the database tier. */
    pgBouncerPath: string | null;
  }
}

/** Starts one Postgres and, if the machine has it, one Redis for all tests of a tier, in a temporary folder. Runs once per tier that has
 *  files to run. Reports at the end what the machine lacks; in CI that is a failure. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Called in reverse order, at the end of the run or when the setup fails.
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
  build(project.name === 'e2e' ? 'build' : 'db:generate');
  const folder = makeScratchFolder();
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const log = () => undefined;
  const redis = await startRedis({ directory: join(folder, 'redis'), log });
  undo.push(() => redis?.stop());
  if (!redis) {
    missed(undo, [
      'HALF OF THE TESTS DID NOT RUN',
      'Neither redis-server nor valkey-server is on the PATH: nothing was tested',
      'against Redis. Install redis-server and run them again.',
    ]);
  }
  const browserPath = project.name === 'e2e' ? await findBrowser(browserFolder(undo), process.env) : null;
  if (project.name === 'e2e' && !browserPath) {
    missed(undo, ['THE BROWSER TESTS DID NOT RUN', 'This machine has no Chromium: install one, or set CHROME_PATH.']);
  }
  const pgBouncerPath = project.name === 'e2e' ? findPgBouncer() : null;
  if (project.name === 'e2e' && !pgBouncerPath) {
    missed(undo, [
      'HALF OF THE POOLER TESTS DID NOT RUN',
      'pgbouncer is neither on the PATH nor in /usr/sbin: install it.',
    ]);
  }
  // Without fsync, data survives a killed server, though not a power failure.
  const settings = { fsync: 'off', full_page_writes: 'off' };
  const postgres = await startPostgres({ directory: join(folder, 'postgres'), settings, log });
  undo.push(() => postgres.stop());

  const template = await cloneDatabase(postgres.url);
  await migrateUp({ url: template.url, log: silent });
  await migrateQueues({ backend: 'postgres', url: template.url });

  project.provide('templateDatabaseUrl', template.url);
  project.provide('redisUrl', redis?.url ?? null);
  project.provide('queueBackends', redis ? ['redis', 'postgres'] : ['postgres']);
  project.provide('browserPath', browserPath);
  project.provide('pgBouncerPath', pgBouncerPath);
}

// Not in memory, since many machines mount that folder as not executable.
function browserFolder(undo: (() => unknown)[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-browser-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// Debian installs it where only root's PATH looks.
function findPgBouncer(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path)) ?? null;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function missed(undo: (() => unknown)[], lines: string[]): void {
  const bar = '!'.repeat(80);
  const banner = ['', bar, ...lines.map((line) => `!!!  ${line.padEnd(70)}  !!!`), bar, ''].join('\n');
  if (process.env['CI']) throw new Error(`${banner}\nIn CI this is a failure.`);
  undo.push(() => console.warn(banner));
}
