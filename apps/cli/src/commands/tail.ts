import type { Followed } from '@posthorn/client';
import { requireKnown } from '../input/read-values.js';
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

type Item = Exclude<Followed, { type: 'skipped' }>;

/** Prints each new delivery and each attempt as it happens, until Ctrl-C. The server filters by subscription, this process by the rest. */
export async function tail({ api, options, terminal }: ApiCall<TailOptions>): Promise<void> {
  if (options.status || options.outcome) {
    const { ATTEMPT_OUTCOMES, DELIVERY_STATUSES } = await import('@posthorn/contract'); // slow to load
    requireKnown(options.status, DELIVERY_STATUSES, '--status');
    requireKnown(options.outcome, ATTEMPT_OUTCOMES, '--outcome');
  }
  const account = options.allAccounts ? null : await api.account();
  const { signal, release } = untilStopped();
  let hasOpened = false;
  try {
    const items = api.client.deliveries.follow(account, {
      subscription: options.subscription,
      signal,
      onOpen: () => {
        terminal.note(hasOpened ? 'Reconnected.' : `Following ${account ?? 'all accounts'}. Ctrl-C ends it.`);
        hasOpened = true;
      },
      onLost: () => terminal.note('The connection was lost. Reconnecting …'),
    });
    for await (const item of items) {
      if (item.type === 'skipped')
        terminal.note(`Skipped ${item.count ?? 'some'}: too many at once. posthorn deliveries list prints all.`);
      else if (matches(item, options))
        terminal.item({ type: item.type, ...valueOf(item) }, () =>
          lineOf(item, { paint: terminal.paint, isAll: account === null }),
        );
    }
  } finally {
    release();
  }
}

const valueOf = (item: Item) => (item.type === 'delivery' ? item.delivery : item.attempt);

/** Pure. Whether an item passes the filters that the server does not have. A delivery that was not attempted has no outcome. */
export function matches(item: Item, { events, status, outcome, attemptsOnly }: TailOptions): boolean {
  const value = valueOf(item);
  const isAll = events === undefined || events.length === 0;
  if (!isAll && !events.includes(value.event) && !events.includes(`${value.event.split(':', 1)[0]}:*`)) return false;
  if (status && !status.includes(value.status)) return false;
  if (item.type === 'delivery') return !outcome && !attemptsOnly;
  return !outcome || outcome.includes(item.attempt.outcome);
}

function lineOf(item: Item, { paint, isAll }: { paint: Paint; isAll: boolean }): string {
  const value = valueOf(item);
  const at = new Date(item.type === 'delivery' ? item.delivery.createdAt : item.attempt.startedAt).toLocaleTimeString(
    'en-GB',
  );
  const about = [...(isAll ? [value.accountId] : []), value.event].map((text) => printable(text)).join('  ');
  if (item.type === 'delivery') return paint('dim', `${at}  +     ${item.delivery.id}  ${about}  ${value.status}`);
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
