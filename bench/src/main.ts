import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Latency, type Throughput, measureBare, measureDrain, measureFlatOut, measureLatency } from './measure.js';
import { type HostileEndpoint, measureHostileEndpoints } from './hostile-endpoints.js';
import { type HostileRequest, measureHostileRequests } from './hostile-requests.js';
import { measureIdle } from './idle.js';
import { type LedgerCost, openLedgerCost } from './ledger-cost.js';
import { measureNeighbours } from './neighbours.js';
import { startBench } from './stack.js';

const USAGE = `npm run bench -- [--backend redis|postgres] [--events 10000] [--rate 200] [--seconds 15] [--workers 1] [--concurrency 100]
npm run bench -- --neighbours [--only <words of a case>] [--rate 100] [--seconds 30] [--workers 1]   healthy subscriptions beside bad ones
npm run bench -- --idle [--events 40]   how punctual an event is that comes alone, and a retry, when nothing else is to do
npm run bench -- --hostile [--only <words of a request>]   what hostile and largest requests cost, and endpoints that never end their response
Starts Postgres, the queue, an API, workers and a sink, each a process of its own, and prints what they reach. Ratios and
microseconds of CPU carry from machine to machine; deliveries per second do not.`;

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'redis' },
    events: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    workers: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '100' },
    idle: { type: 'boolean', default: false },
    hostile: { type: 'boolean', default: false },
    neighbours: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
const whole = (name: 'events' | 'rate' | 'seconds' | 'workers' | 'concurrency', otherwise?: number): number => {
  const value = Number(values[name] ?? otherwise);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1; it is ${values[name]}`);
  return value;
};
if (values.help || (values.backend !== 'redis' && values.backend !== 'postgres')) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const options = {
  events: whole('events', values.idle ? 40 : 10_000),
  rate: whole('rate', values.neighbours ? 100 : 200),
  seconds: whole('seconds', values.neighbours ? 30 : 15),
  workers: whole('workers'),
  concurrency: whole('concurrency'),
};

if (values.idle) {
  await measureIdle({ backend: values.backend, count: options.events });
  process.exit(0);
}
if (values.hostile) {
  printRequests(await measureHostileRequests({ only: values.only }));
  if (values.only === '') printEndpoints(await measureHostileEndpoints());
  process.exit(0);
}
if (values.neighbours) {
  await measureNeighbours({ ...options, backend: values.backend, only: values.only });
  process.exit(0);
}
const bench = await startBench({ backend: values.backend, workers: options.workers });
const ledger = await openLedgerCost(bench);
try {
  console.log(
    `${cpus().length} cores, Node ${process.version}, queue on ${values.backend}, ${options.workers} worker process(es); all on this machine`,
  );
  await bench.startWorkers();
  const account = await bench.subscribe();
  await measureFlatOut(bench, account, { events: 2_000, concurrency: options.concurrency }); // until V8 has compiled it
  const latency = await measureLatency(bench, [account], options);
  printLatency(latency);
  const before = await ledger.read();
  const flatOut = await measureFlatOut(bench, account, options);
  printLedgerCost(await ledger.since(before, options.events));
  const drain = await measureDrain(bench, account, options);
  const bare = await measureBare(bench, options);
  printCpu([
    [`at ${options.rate} events/s`, { perSecond: options.rate, ...latency }],
    ['publish + deliver, flat out', flatOut],
    ['deliver a backlog', drain],
    ['ceiling: BullMQ + undici, no database', bare],
  ]);
  if (bare) {
    console.log(
      `\ndelivering a backlog reaches ${percent(drain.perSecond / bare.perSecond)} of the ceiling of this run; publish + deliver ${percent(flatOut.perSecond / bare.perSecond)}`,
    );
  }
} finally {
  await ledger.close();
  await bench.stop();
}

function printLedgerCost({ indexInserts, walBytes, transactions, redisCommands }: LedgerCost): void {
  console.log(
    `\nper delivery, flat out: ${indexInserts.toFixed(1)} index entries, ${walBytes.toFixed(0)} bytes of WAL without page images, ` +
      `${transactions.toFixed(2)} transactions, ${redisCommands === null ? 'no' : redisCommands.toFixed(1)} Redis commands`,
  );
}

function printRequests(rows: HostileRequest[]): void {
  const heads = ['status', 'CPU ms', 'longest turn ms', '/livez ms'];
  console.log(`${'the worst of some requests'.padEnd(48)}${heads.map((head) => head.padStart(16)).join('')}`);
  for (const { request, status, cpuMs, longestTurnMs, livezMs } of rows) {
    const cells = [String(status), cpuMs.toFixed(0), longestTurnMs.toFixed(1), livezMs.toFixed(1)];
    console.log(`${request.padEnd(48)}${cells.map((cell) => cell.padStart(16)).join('')}`);
  }
  console.log('');
}

function printEndpoints(rows: HostileEndpoint[]): void {
  console.log(
    `${'one exchange with an endpoint that never ends'.padEnd(48)}${'CPU ms'.padStart(8)}${'KiB read'.padStart(10)}   outcome`,
  );
  for (const { endpoint, exchange, cpuMs, readBytes, outcome } of rows) {
    const cells = [cpuMs.toFixed(1).padStart(8), (readBytes / 1024).toFixed(0).padStart(10)];
    console.log(`${`${endpoint}, ${exchange}`.padEnd(48)}${cells.join('')}   ${outcome}`);
  }
}

function printLatency({ rate, sent, received, accepted, delivered }: Latency): void {
  console.log(`\nat ${rate} events/s, ${received} of ${sent} received`);
  for (const [what, { p50Ms, p95Ms, p99Ms, maxMs }] of [
    ['publish → 202', accepted],
    ['publish → receiver', delivered],
  ] as const) {
    const cells = [
      `p50 ${p50Ms.toFixed(1)} ms`,
      `p95 ${p95Ms.toFixed(1)} ms`,
      `p99 ${p99Ms.toFixed(1)} ms`,
      `max ${maxMs.toFixed(1)} ms`,
    ];
    console.log(`  ${what.padEnd(20)}${cells.map((cell) => cell.padEnd(15)).join('')}`);
  }
}

function printCpu(rows: [string, Pick<Throughput, 'perSecond' | 'cpuUsPerDelivery'> | null][]): void {
  const parts = ['api', 'worker', 'redis', 'postgres', 'sink'];
  console.log(
    `\n${'µs of CPU per delivery'.padEnd(40)}${'per second'.padStart(11)}${parts.map((part) => part.padStart(10)).join('')}`,
  );
  for (const [what, row] of rows) {
    if (!row) continue;
    const cells = parts.map((part) =>
      (row.cpuUsPerDelivery[part] === undefined ? '–' : row.cpuUsPerDelivery[part].toFixed(0)).padStart(10),
    );
    console.log(`${what.padEnd(40)}${row.perSecond.toFixed(0).padStart(11)}${cells.join('')}`);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
