import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toUuid } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { placeBaseBackup, takeBaseBackup } from './base-backup.js';
import type { Seen } from './endpoint.js';
import { byDelivery, countArrived, IN_FLIGHT_MARGIN_MS, isDeliveredIn, slowest } from './judge.js';
import { countOrphans, readQueued } from './orphan-jobs.js';
import { type Accepted, type Producer, startProducer } from './producer.js';
import { ACCOUNT, type Backend, openRig, type Rig } from './rig.js';

export interface DrillOutcome {
  /** Events with a 202 when `posthorn reconcile` ran. */
  accepted: number;
  /** Of these, the events that the restored database does not have, all accepted after the chosen time. They were published again. */
  missing: number;
  /** What is wrong with the output of `posthorn reconcile`, compared with the database. Must be empty. */
  wrong: string[];
  /** Events with a 202 that did not arrive in the end, under their first id or under the one of the second publish. Must be 0. */
  lost: number;
  /** Requests beyond the first for one delivery. Deliveries that succeeded after the chosen time are pending again. */
  sentAgain: number;
  /** Of these, those whose earlier request was recorded before the chosen time. Must be 0. */
  unexplained: number;
  /** Missing events that had arrived before the loss, and arrived once more with the id of the second publish. */
  underTwoIds: number;
  /** Unfinished deliveries at the end. Must be 0. */
  stuck: number;
  /** Deliveries with a job in Redis that the restored database does not have, and those whose job was left in the end. Must be 0. */
  orphans: number;
  orphansLeft: number;
  /** Calls of the producer without a 202, by reason. */
  reasons: Record<string, number>;
  /** From the loss: until Postgres takes writes again, and until the first event arrives that was published after that. */
  writableAfterMs: number;
  flowsAfterMs: number;
}

/** Must come to an end, however busy the machine is. */
const WITHIN_MS = 600_000;
/** How many events arrive before each step. */
const EVENTS_PER_STEP = 100;

/** Loses the database and restores it to a chosen time, while the producer publishes. API, workers and Redis go on running, and nobody
 *  tells them. Long, because it is the protocol of a restore, step by step: docs/backup.md describes the same. */
export async function runRestoreDrill(backend: Backend, { rate }: { rate: number }): Promise<DrillOutcome> {
  const rig = await openRig(backend, { archivesWal: true });
  try {
    const producer = startProducer({ urls: () => rig.publishUrls, key: rig.operatorKey, rate });
    let seen: Seen[] = [];
    const untilFlows = async (since = Date.now()): Promise<void> => {
      const hasArrived = async () => {
        seen = seen.concat(await rig.seen(seen.length));
        return countArrived({ accepted: producer.accepted, seen }, since) >= EVENTS_PER_STEP;
      };
      await waitFor(hasArrived, { timeoutMs: WITHIN_MS, what: 'events to arrive' });
    };
    const data = join(rig.postgresFolder, 'data');
    const backup = join(rig.postgresFolder, 'backup');

    await untilFlows();
    await takeBaseBackup({ url: rig.postgres.url, data, to: backup });
    await untilFlows();
    const marginMs = Math.max(IN_FLIGHT_MARGIN_MS, 4 * slowest({ accepted: producer.accepted, seen }));
    const target = await readTime(rig);
    await untilFlows();
    await archiveWal(rig); // up to here; the events of the next step are in no archive
    await untilFlows();
    // Some events shall be lost before they arrive. Their jobs stay in Redis.
    for (const worker of rig.workers) worker.kill('SIGSTOP');
    const enough = producer.accepted.length + EVENTS_PER_STEP;
    await waitFor(() => producer.accepted.length >= enough, {
      timeoutMs: WITHIN_MS,
      what: 'events without deliveries',
    });

    const lostAt = Date.now();
    process.kill(rig.postgres.pid, 'SIGKILL');
    await rig.postgres.exited;
    const queued = await readQueued(rig);
    for (const worker of rig.workers) worker.kill('SIGCONT');
    await placeBaseBackup({ from: backup, data });
    await rig.startPostgres({
      restore_command: `cp "${join(rig.postgresFolder, 'archive')}/%f" "%p"`,
      recovery_target_time: target.text,
      recovery_target_action: 'promote',
    });
    await waitFor(() => isWritable(rig), { timeoutMs: WITHIN_MS, what: 'Postgres to take writes' });
    const writableAt = Date.now();
    const orphans = await countOrphans(rig, queued);
    await untilArrivedOnce(rig, producer, writableAt);
    const flowsAt = Date.now();
    await untilFlows(writableAt);

    const recorded = producer.accepted.slice();
    const missing = await reconcile(rig, recorded);
    const wrong = await checkMissing(rig, { recorded, missing, targetAt: target.at });
    const newIds = new Map<string, string>();
    for (const event of missing) newIds.set(event.id, await producer.publishAgain(event));
    const stillMissing = await reconcile(rig, recorded);
    if (stillMissing.length > 0) wrong.push(`${stillMissing.length} missing after the second publish`);

    await producer.stop();
    let stuck = await rig.countOpen();
    for (const from = Date.now(); stuck > 0 && Date.now() - from < WITHIN_MS; stuck = await rig.countOpen())
      await pause(500);
    const countLeft = async () => countOrphans(rig, await readQueued(rig));
    let orphansLeft = await countLeft();
    // Retries are due in up to 20 s.
    for (const from = Date.now(); orphansLeft > 0 && Date.now() - from < WITHIN_MS; orphansLeft = await countLeft())
      await pause(500);
    seen = await rig.seen(0);
    const isDelivered = isDeliveredIn(seen);
    const final = producer.accepted.map((event) => ({ ...event, id: newIds.get(event.id) ?? event.id }));
    const repeated = [...byDelivery(seen).values()].flatMap((requests) => requests.slice(0, -1));
    const arrived = new Set(seen.map(({ id }) => id));
    return {
      accepted: recorded.length,
      missing: missing.length,
      wrong,
      lost: final.filter((event) => !isDelivered(event)).length,
      sentAgain: repeated.length,
      unexplained: repeated.filter(({ doneAt }) => (doneAt ?? Infinity) < target.at - marginMs).length,
      underTwoIds: missing.filter(({ id }) => arrived.has(id)).length,
      stuck,
      orphans,
      orphansLeft,
      reasons: producer.reasons,
      writableAfterMs: writableAt - lostAt,
      flowsAfterMs: flowsAt - lostAt,
    };
  } finally {
    await rig.stop();
  }
}

async function query<Row extends pg.QueryResultRow>(rig: Rig, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The time of Postgres: as recovery_target_time, and in ms. */
async function readTime(rig: Rig): Promise<{ text: string; at: number }> {
  const [now] = await query<{ text: string; at: number }>(
    rig,
    `SELECT now()::text AS text, extract(epoch FROM now())::float8 * 1000 AS at`,
  );
  if (!now) throw new Error('Postgres did not return its time.');
  return now;
}

/** Ends the current WAL file, as archive_timeout does, and waits until it is archived. */
async function archiveWal(rig: Rig): Promise<void> {
  const [file] = await query<{ name: string }>(rig, 'SELECT pg_walfile_name(pg_switch_wal()) AS name');
  const isArchived = async () => {
    const [archiver] = await query<{ last: string | null }>(
      rig,
      'SELECT last_archived_wal AS last FROM pg_stat_archiver',
    );
    return (archiver?.last ?? '') >= (file?.name ?? '');
  };
  await waitFor(isArchived, { timeoutMs: WITHIN_MS, what: 'the WAL to be archived' });
}

async function isWritable(rig: Rig): Promise<boolean> {
  const [state] = await query<{ writable: boolean }>(rig, 'SELECT NOT pg_is_in_recovery() AS writable').catch(() => []);
  return state?.writable ?? false;
}

async function untilArrivedOnce(rig: Rig, { accepted }: Producer, since: number): Promise<void> {
  const hasArrived = async () => countArrived({ accepted, seen: await rig.seen(0) }, since) > 0;
  await waitFor(hasArrived, { timeoutMs: WITHIN_MS, what: 'an event to arrive after the restore' });
}

const CLI = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));

/** Writes the records of the producer into a file, and returns the events that `posthorn reconcile` prints. */
async function reconcile(rig: Rig, recorded: Accepted[]): Promise<Accepted[]> {
  const file = join(rig.postgresFolder, '..', 'ids.ndjson');
  const lines = recorded.map(({ id, idempotencyKey }) => JSON.stringify({ account: ACCOUNT, id, idempotencyKey }));
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn(process.execPath, [CLI, 'reconcile', '--from', file, '--json'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      POSTHORN_URL: new URL(rig.publishUrls[0] ?? '').origin,
      POSTHORN_API_KEY: rig.operatorKey,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  const ids = new Set(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { id: string }).id),
  );
  if (code !== (ids.size > 0 ? 1 : 0)) throw new Error(`posthorn reconcile exited with ${code}: ${stderr}`);
  return recorded.filter(({ id }) => ids.has(id));
}

/** Compares the missing events with the database, and with the chosen time. Returns what is wrong. */
async function checkMissing(
  rig: Rig,
  { recorded, missing, targetAt }: { recorded: Accepted[]; missing: Accepted[]; targetAt: number },
): Promise<string[]> {
  const rows = await query<{ id: string }>(rig, `SELECT id FROM events`);
  const stored = new Set(rows.map(({ id }) => id));
  const expected = recorded.filter(({ id }) => !stored.has(toUuid('evt', id) ?? ''));
  const found = new Set(missing);
  const early = missing.filter(({ acceptedAt }) => acceptedAt < targetAt);
  return [
    ...(missing.length === 0 ? ['no event is missing, so the drill proves nothing'] : []),
    ...(expected.some((event) => !found.has(event)) || expected.length !== missing.length
      ? [`${missing.length} listed as missing, but ${expected.length} are not in the database`]
      : []),
    ...(early.length > 0 ? [`${early.length} missing, although they had their 202 before the chosen time`] : []),
  ];
}
