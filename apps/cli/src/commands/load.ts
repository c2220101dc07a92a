import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Posthorn } from '@posthorn/client';
import { explainError } from '../api/explain-error.js';
import { isLoopback, parseUrl } from '../connection/choose-connection.js';
import { confirm } from '../input/confirm.js';
import { type LoadOptions, type Plan, planOf } from '../load/limits.js';
import { chooseAccount, type LoadAccount } from '../load/open-account.js';
import { openSink } from '../load/open-sink.js';
import { type Published, publishSteadily } from '../load/publish-steadily.js';
import { costOf, type CpuCost, type CpuReading, readCpus } from '../load/read-cpu.js';
import { type LoadReport, reportText } from '../load/report.js';
import { openTally, type Tally } from '../load/tally.js';
import { openProgressBar } from '../output/progress-bar.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';
import { untilStopped } from './until-stopped.js';

const DEFAULT_LISTEN = { local: { host: '127.0.0.1', port: 0 }, behindName: { host: '127.0.0.1', port: 8099 } };
const MAX_FAILED_PUBLISHES = 20;
const POLL_MS = 20;
/** How long the report waits for deliveries in flight after Ctrl-C. */
const IN_FLIGHT_MS = 5_000;

/** Publishes at a steady rate to an account of its own, receives its deliveries, and reports both. Erases the account in any case, also
 *  after Ctrl-C or an error. Fails if a delivery was lost, or if it ended early. */
export async function load({ api, options, terminal }: ApiCall<LoadOptions>): Promise<void> {
  const plan = planOf(options);
  const sinkUrl = options.sinkUrl === undefined ? null : parseUrl(options.sinkUrl, '--sink-url');
  const { client, connection } = api;
  if (!isLoopback(connection.url)) {
    const deliveries = plan.rate * plan.seconds * plan.subscriptions;
    await confirm(`Send ${deliveries} deliveries through ${connection.url.origin}?`, options.yes);
  }
  const { signal, release } = untilStopped();
  const tally = openTally(plan.subscriptions);
  const now = () => performance.now();
  const listen = options.sinkListen ?? (sinkUrl === null ? DEFAULT_LISTEN.local : DEFAULT_LISTEN.behindName);
  const sink = await openSink(listen, (eventId, subscription) => tally.received(eventId, subscription, now()));
  let account: LoadAccount | null = null;
  try {
    account = await chooseAccount(client);
    await account.create();
    terminal.note(`Account ${account.id}; sink at ${sink.origin}. Ctrl-C ends the test and erases the account.`);
    const { subscribe } = account;
    const base = (sinkUrl?.href ?? sink.origin).replace(/\/+$/, '');
    const urls = Array.from({ length: plan.subscriptions }, (_, n) => base + sink.pathOf(n));
    await Promise.all(urls.map((url) => subscribe(url, plan.eventType, signal)));
    const metricsUrls = [`${connection.url.href.replace(/\/+$/, '')}/metrics`, ...(options.metrics ?? [])];
    const report = await measure({ client, account: account.id, plan, tally, signal, now, metricsUrls });
    terminal.result(report, () => reportText(report, terminal.paint));
    failIfNeeded(report);
  } catch (error) {
    if (!signal.aborted || error instanceof PlainError) throw explainError(error, connection);
    terminal.note('Interrupted before the first publish.');
  } finally {
    if (account !== null) await eraseAndNote(account, terminal.note);
    await sink.close();
    release();
  }
}

interface Measuring {
  client: Posthorn;
  account: string;
  plan: Plan;
  tally: Tally;
  signal: AbortSignal;
  now(): number;
  metricsUrls: string[];
}

async function measure(given: Measuring): Promise<LoadReport> {
  const { client, account, plan, tally, now, metricsUrls } = given;
  const cpuBefore = await readCpus(metricsUrls);
  const startMs = now();
  const { published, failures } = await publishAll(given);
  const endMs = now();
  const backlogAtEnd = tally.backlog();
  const isDrained = await drain(given, published.ending === 'interrupted' ? IN_FLIGHT_MS : plan.drainMs);
  const drainedMs = now();
  const [cpuAfter, left] = await Promise.all([
    readCpus(metricsUrls),
    tally.backlog() === 0 ? { pending: 0, failed: 0 } : countLeft(client, account),
  ]);
  const { lastArrivalMs, missing, acceptedEvents, ...counts } = tally.report();
  const pending = Math.min(missing, left.pending);
  const failed = Math.min(missing - pending, left.failed);
  return {
    account,
    plan,
    ending: published.ending,
    fellBehind: published.fellBehind,
    published: published.started,
    accepted: acceptedEvents,
    failedPublishes: failures.length,
    acceptedPerSecond: perSecond(acceptedEvents, published.durationMs),
    ...counts,
    deliveredPerSecond: perSecond(counts.delivered, (lastArrivalMs ?? endMs) - startMs),
    backlogAtEnd,
    drainSeconds: isDrained ? Math.round((drainedMs - endMs) / 10) / 100 : null,
    pending,
    failed,
    lost: missing - pending - failed,
    ...costs(cpuBefore, cpuAfter, counts.delivered),
  };
}

/** Throws the error of the first publish if none was accepted. */
async function publishAll({
  client,
  account,
  plan,
  tally,
  signal,
  now,
}: Measuring): Promise<{ published: Published; failures: unknown[] }> {
  const failures: unknown[] = [];
  const payloadOf = openPayloads(plan.payloadBytes);
  const total = plan.rate * plan.seconds;
  const bar = openProgressBar('Publishing');
  const published = await publishSteadily({
    rate: plan.rate,
    total,
    now,
    async publish(n) {
      const atMs = now();
      try {
        const event = await client.publish(account, { event: plan.eventType, payload: payloadOf(n) });
        tally.accepted(event.id, atMs);
      } catch (error) {
        failures.push(error);
      }
    },
    shouldEnd() {
      if (signal.aborted) return 'interrupted';
      if (failures.length >= MAX_FAILED_PUBLISHES) return 'refused';
      return tally.backlog() > plan.maxBacklog ? 'backlog' : null;
    },
    onProgress: (done) => bar.update(done, total),
  }).finally(() => bar.end());
  if (failures.length > 0 && tally.report().acceptedEvents === 0) throw failures[0];
  return { published, failures };
}

/** Waits until everything has arrived. Returns false if that takes longer than `withinMs`. */
async function drain({ tally, signal, now }: Measuring, withinMs: number): Promise<boolean> {
  const until = now() + withinMs;
  const wasAborted = signal.aborted;
  while (tally.backlog() > 0) {
    if (signal.aborted !== wasAborted || now() > until) return false;
    await pause(POLL_MS);
  }
  return true;
}

async function countLeft(client: Posthorn, account: string): Promise<{ pending: number; failed: number }> {
  const count = async (status: ('pending' | 'held' | 'failed' | 'canceled')[]) => {
    const found = await client.deliveries.count(account, { status });
    return found.more ? Number.POSITIVE_INFINITY : found.count;
  };
  const [pending, failed] = await Promise.all([count(['pending', 'held']), count(['failed', 'canceled'])]);
  return { pending, failed };
}

function costs(before: (CpuReading | string)[], after: (CpuReading | string)[], deliveries: number) {
  const found = before.map((one, n) => costOf(one, after[n] ?? one, deliveries));
  return {
    cpu: found.filter((one): one is CpuCost => typeof one !== 'string'),
    cpuNotes: found.filter((one) => typeof one === 'string'),
  };
}

/** Random text, which compresses as little as real payloads of ids and hashes. JSON of the payload has exactly `bytes` bytes. */
function openPayloads(bytes: number): (n: number) => { n: number; text: string } {
  const text = randomBytes(bytes).toString('base64url');
  return (n) => ({ n, text: text.slice(0, bytes - `{"n":${n},"text":""}`.length) });
}

const perSecond = (count: number, ms: number): number => (ms <= 0 ? 0 : Math.round((count / ms) * 10_000) / 10);

function failIfNeeded({ ending, lost, failed }: LoadReport): void {
  if (lost > 0) {
    throw new PlainError(`${lost} deliveries were lost.`, {
      fix: 'Keep the logs, make a support bundle (posthorn doctor --bundle), and report it.',
    });
  }
  if (failed > 0) throw new PlainError(`${failed} deliveries failed.`, { fix: 'Look at the log of the workers.' });
  if (ending === 'backlog') {
    throw new PlainError('The backlog passed its bound, so the test ended early.', {
      fix: 'Lower --rate, add workers, or raise --max-backlog.',
    });
  }
  if (ending === 'refused') {
    throw new PlainError('Too many publishes failed, so the test ended early.', {
      fix: 'Look at the log of the API.',
      exitCode: EXIT.server,
    });
  }
}

async function eraseAndNote(account: LoadAccount, note: (text: string) => void): Promise<void> {
  const rest = `If it is still there: posthorn accounts delete ${account.id} --yes`;
  try {
    const isErased = await account.erase();
    note(isErased ? `Erased the account ${account.id}.` : `The workers are still erasing ${account.id}. ${rest}`);
  } catch (error) {
    note(`The account ${account.id} could not be erased: ${(error as Error).message} ${rest}`);
  }
}
