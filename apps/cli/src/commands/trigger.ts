import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery, PublishedEvent } from '@posthorn/client';
import { type Api, withBody } from '../api/open-api.js';
import { readJsonText } from '../input/read-values.js';
import { openProgressBar } from '../output/progress-bar.js';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';

interface TriggerOptions {
  data?: string;
  count?: number;
  wait?: boolean;
  timeout?: number;
  idempotencyKey?: string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const POLL_MS = 250;

/** Publishes an event: the example of the catalogue, or the payload of `--data`, byte for byte. Prints each event as soon as it is
 *  published, so that no id is lost when a later one fails. */
export async function trigger({ api, args: [type = ''], options, terminal }: ApiCall<TriggerOptions>): Promise<void> {
  const { data, count = 1, wait, idempotencyKey } = options;
  if (count > 1 && idempotencyKey !== undefined) {
    throw new PlainError('--idempotency-key publishes one event, so it cannot be combined with --count.', {
      exitCode: EXIT.usage,
    });
  }
  const account = await api.account();
  const payload = data === undefined ? await exampleOf(api, type) : readJsonText(data, '--data');
  const bar = wait || terminal.isInteractive ? null : openProgressBar('Publishing'); // printed lines show the progress
  const events: PublishedEvent[] = [];
  try {
    for (let n = 0; n < count; n += 1) {
      const event = await publish(api, { account, type, payload, key: idempotencyKey ?? randomUUID() });
      events.push(event);
      if (wait && !terminal.isJson) terminal.note(published(event));
      else terminal.item({ type: 'event', ...event }, () => published(event));
      if (count > 1) bar?.update(n + 1, count);
    }
  } finally {
    bar?.end();
  }
  if (!wait) return;
  await waitForDeliveries(api, account, { events, timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS, terminal });
}

const published = ({ id, event, deliveries, duplicate }: PublishedEvent): string =>
  `${event} ${id}: ${duplicate ? 'published before with this key' : `${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'}`}`;

async function exampleOf({ client }: Api, type: string): Promise<string> {
  const { example } = await client.eventTypes.get(type);
  if (example) return JSON.stringify(example);
  throw new PlainError(`The catalogue has no example for ${type}.`, {
    fix: `Give a payload: posthorn trigger ${type} --data payload.json`,
    exitCode: EXIT.usage,
  });
}

function publish(
  api: Api,
  { account, type, payload, key }: { account: string; type: string; payload: string; key: string },
): Promise<PublishedEvent> {
  const client = withBody(api, `{"event":${JSON.stringify(type)},"payload":${payload}}`);
  return client.publish(account, { event: type, payload: {}, idempotencyKey: key });
}

/** Waits until every delivery of the events has ended, and prints them. Throws if one failed, or if some have not ended in time. */
async function waitForDeliveries(
  { client }: Api,
  account: string,
  { events, timeoutMs, terminal }: { events: PublishedEvent[]; timeoutMs: number; terminal: Terminal },
): Promise<void> {
  const until = Date.now() + timeoutMs;
  const waiting: Waiting = { expanding: 0, pending: 0, held: 0 };
  for (const event of events) {
    let left = await waitingOf(client, account, event);
    while (sumOf(left) > 0 && Date.now() < until) {
      await delay(POLL_MS);
      left = await waitingOf(client, account, event);
    }
    for (const state of STATES) waiting[state] += left[state];
  }
  const deliveries: Delivery[] = [];
  for (const { id } of events) {
    for await (const delivery of client.deliveries.list(account, { event: id, limit: 100 })) deliveries.push(delivery);
  }
  if (terminal.isJson) {
    for (const delivery of deliveries) terminal.item({ type: 'delivery', ...delivery }, () => delivery.id);
  } else {
    terminal.result(deliveries, () => deliveriesText(deliveries, { isExpanding: sumOf(waiting) > 0, terminal }));
  }
  const failed = deliveries.filter(({ status }) => status === 'failed' || status === 'canceled').length;
  if (failed > 0)
    throw new PlainError(`${failed} of ${deliveries.length} deliveries failed.`, {
      fix: 'posthorn deliveries get <id> shows why.',
    });
  if (sumOf(waiting) === 0) return;
  const states = STATES.filter((state) => waiting[state] > 0).map((state) => `${waiting[state]} ${state}`);
  throw new PlainError(`Deliveries have not ended after ${timeoutMs / 1000} s: ${states.join(', ')}.`, {
    fix:
      waiting.held > 0
        ? 'A paused subscription holds its deliveries: posthorn subscriptions resume <id> sends them.'
        : 'posthorn deliveries get <id> shows what they wait for. --timeout waits longer.',
  });
}

function deliveriesText(
  deliveries: Delivery[],
  { isExpanding, terminal }: { isExpanding: boolean; terminal: Terminal },
): string {
  if (deliveries.length === 0 && !isExpanding) return 'No deliveries: no subscription matches this event type.';
  return table(
    deliveries,
    [
      ['DELIVERY', ({ id }) => id],
      ['STATUS', ({ status }) => status],
      ['LAST', ({ lastAttempt }) => lastAttempt && (lastAttempt.statusCode ?? lastAttempt.outcome)],
      ['MS', ({ lastAttempt }) => lastAttempt?.durationMs],
      ['URL', ({ url }) => url],
    ],
    terminal.paint,
  );
}

/** Number of deliveries that have not ended. `expanding`: workers have not created them yet. */
type Waiting = Record<(typeof STATES)[number], number>;
const STATES = ['expanding', 'pending', 'held'] as const;

const sumOf = ({ expanding, pending, held }: Waiting): number => expanding + pending + held;

async function waitingOf(client: Api['client'], account: string, event: PublishedEvent): Promise<Waiting> {
  const { deliveryCounts: counts } = await client.events.get(account, event.id);
  const created = counts.pending + counts.held + counts.succeeded + counts.failed + counts.canceled;
  return {
    expanding: Math.max(0, event.deliveries - created),
    pending: counts.pending,
    held: counts.held,
  };
}
