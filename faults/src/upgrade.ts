import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { endProcess } from '@posthorn/testing';
import pg from 'pg';
import { makeNextVersion, type NextVersion } from './next-version.js';
import { type Rig, THIS_BUILD } from './rig.js';
import { BOTH, type Scenario, type Tools } from './scenario.js';

export const upgradeScenarios: Scenario[] = [
  {
    name: 'upgrade to a version that renames a column of events: expand, both versions, contract',
    backends: BOTH,
    async run(rig, tools) {
      const next = makeNextVersion();
      try {
        next.ship('expand');
        await upgrade(rig, tools, { folder: next.folder, backfill: () => next.backfill(rig.postgres.url) });
        next.ship('contract');
        await migrate(rig, next.folder);
        await tools.untilFlows(); // the new version alone, with the new column alone
        await checkRenamed(rig, next);
      } finally {
        next.remove();
      }
    },
  },
];

/** Upgrades from another build, such as that of an earlier release, to this one. */
export const upgradeFrom = (build: string): Scenario => ({
  name: `upgrade from the build in ${build}`,
  backends: BOTH,
  needs: { build },
  run: (rig, tools) => upgrade(rig, tools, { folder: THIS_BUILD }),
});

/** Replaces the running processes by those of another build, as docs/upgrade.md describes: migrates, starts the new ones beside the old
 *  ones, and stops the old ones one by one. Throws if a publish fails meanwhile, except at a stopped API. */
async function upgrade(
  rig: Rig,
  { injectFault, untilFlows, isBack, isLong, reasons }: Tools,
  { folder, backfill }: { folder: string; backfill?: () => Promise<void> },
): Promise<void> {
  const [oldUrl = ''] = rig.publishUrls;
  const oldWorkers = rig.workers.slice();
  await migrate(rig, folder);
  await untilFlows(); // the old version with the new schema
  await backfill?.();
  const { child: newApi } = await rig.startApiOf(folder);
  await rig.startWorkerOf(folder);
  await untilFlows(); // both versions
  for (const worker of oldWorkers) {
    rig.workers.splice(rig.workers.indexOf(worker), 1);
    await injectFault(() => endProcess(worker));
  }
  await untilFlows(); // the old API with the new worker
  checkReasons(reasons, isLong ? [] : SLOW);
  await injectFault(() => endProcess(rig.api));
  rig.publishUrls.splice(rig.publishUrls.indexOf(oldUrl), 1);
  rig.api = newApi;
  isBack();
  await untilFlows(); // the new version alone
  checkReasons(reasons, isLong ? OF_A_STOP : [...OF_A_STOP, ...SLOW]);
}

/** A stopped API refuses connections, and closes those that are idle, perhaps while a request is on its way. */
const OF_A_STOP = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];
/** A call took ten seconds, as on a busy machine. */
const SLOW = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'];

function checkReasons(reasons: Tools['reasons'], allowed: string[]): void {
  const wrong = Object.entries(reasons).filter(([reason]) => !allowed.includes(reason));
  if (wrong.length > 0) throw new Error(`publishes failed: ${wrong.map((one) => one.join(' × ')).join(', ')}`);
}

/** Runs `posthorn migrate up` of a build. */
async function migrate(rig: Rig, folder: string): Promise<void> {
  const child = spawn(process.execPath, [join(folder, 'apps/cli/dist/main.js'), 'migrate', 'up', '--json'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: rig.postgres.url,
      QUEUE_BACKEND: rig.backend,
      ...rig.redis?.settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0 || !output.includes('migration.applied'))
    throw new Error(`posthorn migrate up exited with ${code}: ${output}`);
}

/** Proves that the versions differ: the old column does not exist, and the new version has filled the other one. */
async function checkRenamed(rig: Rig, { from, to }: NextVersion): Promise<void> {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ columns: string[]; empty: number; events: number }>(
      `SELECT count(*)::int AS events, count(*) FILTER (WHERE ${to} IS NULL)::int AS empty,
         ARRAY(SELECT column_name::text FROM information_schema.columns WHERE table_name = 'events' AND column_name IN ($1, $2)) AS columns
       FROM events`,
      [from, to],
    );
    const [found] = rows;
    if (!found || found.events === 0 || found.empty > 0 || found.columns.join() !== to)
      throw new Error(`the column was not renamed: ${JSON.stringify(found)}`);
  } finally {
    await client.end();
  }
}
