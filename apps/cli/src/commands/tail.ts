import type { StreamedAttempt, StreamedDelivery } from '@posthorn/contract';
import { bodyOf, followStream } from '../api/follow-stream.js';
import type { Api } from '../api/open-api.js';
import { printable } from '../output/printable.js';
import type { Paint } from '../output/terminal.js';
import { untilStopped } from './until-stopped.js';
import type { ApiCall } from './context.js';

interface TailOptions {
  subscription?: string[];
  events?: string[];
  status?: string[];
  outcome?: string[];
  attemptsOnly?: boolean;
  allAccounts?: boolean;
}

type Item = { kind: 'delivery'; delivery: StreamedDelivery } | { kind: 'attempt'; attempt: StreamedAttempt };

/** Prints each new delivery and each attempt as it happens, until Ctrl-C. The server filters by subscription, this process by the rest. */
export async function tail({ api, options, terminal }: ApiCall<TailOptions>): Promise<void> {
  const account = options.allAccounts ? null : await api.account();
  const { signal, release } = untilStopped();
  let hasOpened = false;
  try {
    const items = followStream({
      open: (lastId, on) => openStream(api, account, { subscription: options.subscription, lastId, signal: on }),
      signal,
      onOpen: () => {
        terminal.note(hasOpened ? 'Connected again.' : `Following ${account ?? 'all accounts'}. Ctrl-C ends it.`);
        hasOpened = true;
      },
      onLost: () => terminal.note('The connection was lost. Connecting again …'),
    });
    for await (const { name, data } of items) {
      if (name === 'skipped') {
        const { count } = data as { count: number | null };
        terminal.note(`Skipped ${count ?? 'some'}: too many at once. posthorn deliveries list prints all.`);
      }
      const item = toItem(name, data);
      if (item && matches(item, options)) {
        const { kind } = item;
        const value = kind === 'delivery' ? item.delivery : item.attempt;
        terminal.item({ type: kind, ...value }, () => lineOf(item, { paint: terminal.paint, isAll: account === null }));
      }
    }
  } finally {
    release();
  }
}

async function openStream(
  { client: { routes } }: Api,
  account: string | null,
  { subscription, lastId, signal }: { subscription: string[] | undefined; lastId: string | null; signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const query = subscription === undefined ? {} : { subscription };
  const header = lastId === null ? {} : { 'Last-Event-Id': lastId };
  const { response } =
    account === null
      ? await routes.GET('/v1/stream', { params: { query, header }, signal })
      : await routes.GET('/v1/accounts/{account}/stream', { params: { path: { account }, query, header }, signal });
  return bodyOf(response);
}

function toItem(name: string, data: unknown): Item | null {
  if (name === 'delivery') return { kind: 'delivery', delivery: data as StreamedDelivery };
  if (name === 'attempt') return { kind: 'attempt', attempt: data as StreamedAttempt };
  return null;
}

/** Pure. Whether an item passes the filters that the server does not have. A delivery that was not attempted has no outcome. */
export function matches(item: Item, { events, status, outcome, attemptsOnly }: TailOptions): boolean {
  const value = item.kind === 'delivery' ? item.delivery : item.attempt;
  if (events && !events.includes(value.event) && !events.includes(`${value.event.split(':', 1)[0]}:*`)) return false;
  if (status && !status.includes(value.status)) return false;
  if (item.kind === 'delivery') return !outcome && !attemptsOnly;
  return !outcome || outcome.includes(item.attempt.outcome);
}

function lineOf(item: Item, { paint, isAll }: { paint: Paint; isAll: boolean }): string {
  const value = item.kind === 'delivery' ? item.delivery : item.attempt;
  const at = new Date(item.kind === 'delivery' ? item.delivery.createdAt : item.attempt.startedAt).toLocaleTimeString(
    'en-GB',
  );
  const about = [...(isAll ? [value.accountId] : []), value.event].map((text) => printable(text)).join('  ');
  if (item.kind === 'delivery') return paint('dim', `${at}  +     ${item.delivery.id}  ${about}  ${value.status}`);
  const { deliveryId, outcome, statusCode, durationMs, number, status } = item.attempt;
  const result = String(statusCode ?? outcome).padEnd(4);
  return [
    at,
    paint(outcome === 'ok' ? 'green' : 'red', result),
    deliveryId,
    about,
    `${durationMs} ms`,
    ...(number > 1 ? [`attempt ${number}`] : []),
    ...(outcome === 'ok' ? [] : [`${outcome}, ${status}`]),
  ].join('  ');
}
