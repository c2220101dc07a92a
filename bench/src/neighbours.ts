import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Latency, measureLatency, now } from './measure.js';
import { type Bench, forkHere, startBench } from './stack.js';

const HEALTHY = 20;

/** What healthy subscriptions feel of bad ones beside them, each bad one in an account of a healthy one, so that both are owed the
 *  same events; what a worker's memory does meanwhile; and whether a rate is kept. */
export async function measureNeighbours(options: {
  backend: 'redis' | 'postgres';
  rate: number;
  seconds: number;
  workers: number;
  only: string;
}): Promise<void> {
  const { backend, rate, seconds, workers, only } = options;
  const deadDns = fileURLToPath(new URL('../src/dead-dns.mjs', import.meta.url));
  const bench = await startBench({ backend, workers, workerEnv: { NODE_OPTIONS: `--import=${deadDns}` } });
  const bad = forkHere('./bad-receiver.js');
  try {
    const [{ port }] = (await once(bad, 'message')) as [{ port: number }];
    await bench.startWorkers();
    const accounts = await Promise.all(Array.from({ length: HEALTHY }, () => bench.subscribe()));
    const url = (path: string) => `http://127.0.0.1:${port}/${path}`;
    await measureLatency(bench, accounts, { rate, seconds: 5 }); // until V8 has compiled it

    console.log(
      `${HEALTHY} healthy subscriptions, ${rate} events/s, ${seconds} s each; ${workers} worker process(es), queue on ${backend}\n`,
    );
    console.log(
      `${'beside'.padEnd(48)}${['p50', 'p95', 'p99', 'max', '× alone', 'worker RSS'].map((cell) => cell.padStart(11)).join('')}   CPU: api, worker, postgres`,
    );
    const alone = await measureLatency(bench, accounts, { rate, seconds });
    print('nobody', alone, alone, 0);
    const cases: [string, string[]][] = [
      ['1 that hangs', [url('hang')]],
      ['10 that hang', Array.from({ length: 10 }, () => url('hang'))],
      ['100 that hang', Array.from({ length: 100 }, () => url('hang'))],
      ['1 that drips a byte a second', [url('drip')]],
      ['1 that answers a gigabyte', [url('gigabyte')]],
      ['1 that resets connections', [url('reset')]],
      ['1 whose DNS never answers', ['http://never.example.com/webhook']],
      ['10 that answer after 10 s', Array.from({ length: 10 }, () => url('slow'))],
      // What the mere work of the additional deliveries costs on this machine, if all goes well.
      ['100 that answer at once', Array.from({ length: 100 }, () => url('at-once'))],
    ];
    for (const [what, urls] of cases.filter(([name]) => name.includes(only))) {
      const badOnes = await Promise.all(
        urls.map(async (badUrl, n) => {
          const account = accounts[n % HEALTHY] ?? '';
          // It proves itself at an address that answers, and turns bad afterwards.
          const id = await bench.subscribeTo(account, { url: url('hang') });
          return { account, id, badUrl };
        }),
      );
      await turnBad(bench, badOnes);
      const before = rssMb(bench);
      let peak = before;
      const timer = setInterval(() => (peak = Math.max(peak, rssMb(bench))), 250);
      const first = await measureLatency(bench, accounts, { rate, seconds });
      print(`${what}, from the first event on`, first, alone, peak - before);
      const next = await measureLatency(bench, accounts, { rate, seconds });
      clearInterval(timer);
      print('  afterwards', next, alone, peak - before);
      await Promise.all(
        badOnes.map(({ account, id }) => bench.call('DELETE', `/v1/accounts/${account}/subscriptions/${id}`)),
      );
      await pause(16_000); // what hangs is over
    }
    if ('10,000 retries that are due'.includes(only))
      await besideRetries(bench, accounts, { rate, seconds, alone, url: url('at-once') });
    if ('a backlog of 100,000'.includes(only)) await besideBacklog(bench, accounts, { rate, seconds, alone });
    print('nobody, again', await measureLatency(bench, accounts, { rate, seconds }), alone, 0);
    if ('rate'.includes(only)) await measureRate(bench);
  } finally {
    bad.kill();
    await bench.stop();
  }
}

async function turnBad(bench: Bench, badOnes: { id: string; account: string; badUrl: string }[]): Promise<void> {
  const client = new pg.Client({ connectionString: bench.databaseUrl });
  await client.connect();
  for (const { account, badUrl } of badOnes)
    await client.query(
      `UPDATE subscriptions SET url = $2 WHERE id = (
         SELECT id FROM subscriptions WHERE account_id = $1 AND url LIKE '%/hang' AND deleted_at IS NULL ORDER BY id DESC LIMIT 1)`,
      [account, badUrl],
    );
  await client.end();
}

/** To ten other subscriptions a thousand deliveries each are owed whose first attempt failed a minute ago, all due at once. */
async function besideRetries(
  bench: Bench,
  accounts: string[],
  { rate, seconds, alone, url }: { rate: number; seconds: number; alone: Latency; url: string },
): Promise<void> {
  const account = 'retrying';
  await bench.call('PUT', `/v1/accounts/${account}`, '{}');
  for (let n = 0; n < 10; n += 1) {
    const id = await bench.subscribeTo(account, { url });
    await bench.call('POST', `/v1/accounts/${account}/subscriptions/${id}/pause`);
  }
  const events = Array.from({ length: 500 }, (_, n) => ({ event: 'message:created', payload: { n } }));
  for (let sent = 0; sent < 2; sent += 1)
    await bench.call('POST', `/v1/accounts/${account}/events/batch`, JSON.stringify({ events }));
  const client = new pg.Client({ connectionString: bench.databaseUrl });
  await client.connect();
  await client.query(`BEGIN; UPDATE subscriptions SET status = 'active' WHERE account_id = '${account}';
    UPDATE pending_deliveries SET status = 'pending', attempt_count = 1, failure_count = 1, due_at = now() - interval '1 minute', feed_at = now()
    WHERE account_id = '${account}'; COMMIT`);
  const before = rssMb(bench);
  const beside = await measureLatency(bench, accounts, { rate, seconds });
  const { rows } = await client.query<{ made: number }>(
    `SELECT count(*)::int AS made FROM deliveries WHERE account_id = '${account}' AND status = 'succeeded'`,
  );
  print(`10,000 retries that are due, ${rows[0]?.made} made`, beside, alone, rssMb(bench) - before);
  await client.end();
  await bench.call('DELETE', `/v1/accounts/${account}`);
}

/** One account publishes 100,000 events as fast as it can; the others go on as before, meanwhile and afterwards. */
async function besideBacklog(
  bench: Bench,
  accounts: string[],
  { rate, seconds, alone }: { rate: number; seconds: number; alone: Latency },
): Promise<void> {
  const large = await bench.subscribe();
  const events = Array.from({ length: 500 }, (_, n) => ({ event: 'message:created', payload: { n } }));
  const body = JSON.stringify({ events });
  const before = rssMb(bench);
  const publishing = (async () => {
    for (let sent = 0; sent < 200; sent += 1) await bench.call('POST', `/v1/accounts/${large}/events/batch`, body);
  })();
  const meanwhile = await measureLatency(bench, accounts, { rate, seconds });
  print('another that publishes 100,000', meanwhile, alone, rssMb(bench) - before);
  await publishing;
  const owed = 100_000 + rate * seconds - (await bench.sink.look()).count;
  const beside = await measureLatency(bench, accounts, { rate, seconds });
  print(`  its backlog, ${owed} at first`, beside, alone, rssMb(bench) - before);
  await bench.call('DELETE', `/v1/accounts/${large}`);
  for (let seen = -1, count = 0; seen < count; seen = count) {
    seen = count;
    await pause(2_000);
    ({ count } = await bench.sink.look());
  }
}

/** Publishes twice what a rate allows, and counts what arrives. */
async function measureRate(bench: Bench): Promise<void> {
  console.log('\nrateLimit   published/s   received/s   off by');
  for (const rateLimit of [5, 50, 200]) {
    const account = `rate-${rateLimit}`;
    await bench.call('PUT', `/v1/accounts/${account}`, '{}');
    await bench.subscribeTo(account, { url: bench.sink.url, rateLimit });
    await bench.sink.reset();
    const seconds = 20;
    const publishing = (async () => {
      const start = now();
      for (let sent = 0; sent < rateLimit * 2 * seconds;) {
        const due = ((now() - start) / 1_000) * rateLimit * 2;
        for (; sent < due; sent += 1)
          void bench.publish(account, `{"event":"message:created","payload":{"n":${sent}}}`);
        await pause(5);
      }
    })();
    await pause(3_000);
    const first = await bench.sink.look();
    const from = now();
    await pause((seconds - 3) * 1_000);
    const last = await bench.sink.look();
    const received = ((last.count - first.count) / (now() - from)) * 1_000;
    await publishing;
    console.log(
      `${String(rateLimit).padStart(9)}${String(rateLimit * 2).padStart(14)}${received.toFixed(2).padStart(13)}${(((received - rateLimit) / rateLimit) * 100).toFixed(1).padStart(9)} %`,
    );
    await bench.call('DELETE', `/v1/accounts/${account}`);
  }
}

function print(what: string, latency: Latency, alone: Latency, grownMb: number): void {
  const { p50Ms, p95Ms, p99Ms, maxMs } = latency.delivered;
  const cells = [p50Ms, p95Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(1)} ms`);
  cells.push((p99Ms / alone.delivered.p99Ms).toFixed(2), `+${grownMb.toFixed(0)} MB`);
  const cpu = ['api', 'worker', 'postgres'].map((part) => `${latency.busyPercent[part]?.toFixed(0)} %`);
  console.log(
    `${what.padEnd(48)}${cells.map((cell) => cell.padStart(11)).join('')}   ${cpu.map((cell) => cell.padStart(6)).join('')}`,
  );
}

/** Of the largest worker. */
function rssMb(bench: Bench): number {
  const pids = bench.pids()['worker'] ?? [];
  return Math.max(
    ...pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024),
  );
}
