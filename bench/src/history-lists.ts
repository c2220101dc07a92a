import { toTypeId } from '@posthorn/contract';
import type { History } from './fill-history.js';
import type { Case, Goal, Medians } from './scenario.js';
import type { Posthorn } from './start-posthorn.js';
import { percentiles } from './statistics.js';

const PAGE_ROWS = 50;
const DAY_MS = 24 * 60 * 60 * 1_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

interface List {
  name: string;
  path: string;
  query: string;
  /** Starts in the middle of the list, after the rows of the last 12 days. */
  isDeep?: true;
}

/** Pages through every list of the busy account and of the operators, with filters that match many rows, few and none, 50 rows at a
 *  time. */
export function openListCases(posthorn: Posthorn, history: History, pages: number): Case[] {
  return listsOf(history).map(({ name, path, query, isDeep }) => {
    async function read(cursor: string, more = ''): Promise<string | null> {
      const url = `${path}?limit=${PAGE_ROWS}${query && `&${query}`}${more}${cursor && `&cursor=${cursor}`}`;
      const { status, text } = await posthorn.call('GET', url);
      if (status !== 200) throw new Error(`${url}: ${status} ${text}`);
      return (JSON.parse(text) as { nextCursor?: string | null }).nextCursor ?? null;
    }
    async function measure() {
      const tookMs: number[] = [];
      let cursor: string | null = isDeep ? await read('', `&to=${daysAgo(12)}`) : '';
      while (cursor !== null && tookMs.length < pages) {
        const from = performance.now();
        cursor = await read(cursor);
        tookMs.push(performance.now() - from);
      }
      return { ...percentiles(tookMs) };
    }
    return { name, warmUp: measure, measure };
  });
}

export const listGoals = (medians: Medians): Goal[] =>
  listsOf({ account: '', subscriptions: [] }).map(({ name }) => ({
    what: `${name}: p95 ms of a page`,
    found: medians(name, 'p95Ms'),
    wanted: { atMost: 100 },
  }));

function listsOf({ account, subscriptions }: History): List[] {
  const at = `/v1/accounts/${account}`;
  const [one = '', another = ''] = subscriptions.map((id) => toTypeId('sub', id));
  return [
    ...listsAt('deliveries', `${at}/deliveries`, {
      all: '',
      succeeded: 'status=succeeded',
      failed: 'status=failed',
      'held and canceled': 'status=held&status=canceled',
      'a rare type': 'eventType=conversation:created',
      'a type that never came': 'eventType=never:came',
      'timed out': 'outcome=timeout',
      'HTTP status 200': 'statusCode=200',
      'an HTTP status that never came': 'statusCode=5xx',
      'attempted manually, which never happened': 'trigger=manual',
      'of a webhook': `subscription=${one}`,
      'failed of two webhooks': `status=failed&subscription=${one}&subscription=${another}`,
      'of a day': `from=${daysAgo(1)}`,
      'a rare type of a webhook': `eventType=conversation:created&subscription=${another}`,
      'a type that a webhook never got': `eventType=conversation:created&subscription=${one}`,
      'two types of two webhooks': `eventType=conversation:created&eventType=message:created&subscription=${one}&subscription=${another}`,
      'a text of some payloads': `q=${encodeURIComponent('"n":77')}`,
      'a text of no payload': 'q=nowhere',
    }),
    ...listsAt('events', `${at}/events`, {
      all: '',
      'a rare type': 'event=conversation:created',
      'a type that never came': 'event=never:came',
      'of a day': `from=${daysAgo(1)}`,
      'a text of some payloads': `q=${encodeURIComponent('"n":77')}`,
      'a text of no payload': 'q=nowhere',
    }),
    ...['deliveries', 'events'].flatMap((list) => [
      { name: `${list}: from the middle on`, path: `${at}/${list}`, query: '', isDeep: true as const },
    ]),
    ...listsAt('audit log of an account', `${at}/audit`, {
      all: '',
      'a rare action': 'action=keys.create',
      'an action that never came': 'action=sessions.create',
      'of the portal': 'actor=portal',
      'of a day': `from=${daysAgo(1)}`,
    }),
    ...listsAt('audit log', '/v1/audit', {
      all: '',
      'a rare action': 'action=keys.create',
      'an action that never came': 'action=sessions.create',
      'of an account': `account=${account}`,
      'a rare action of an account': `account=${account}&action=keys.create`,
    }),
    ...listsAt('subscriptions', `${at}/subscriptions`, { all: '', 'with statistics': 'stats=24h' }),
    ...listsAt('subscriptions of all accounts', '/v1/subscriptions', { 'by URL': 'q=https://hooks' }),
    ...listsAt('accounts', '/v1/accounts', { all: '', 'with statistics': 'stats=24h', 'by id': 'q=other' }),
    ...listsAt('attention', '/v1/attention', { all: '' }),
    ...listsAt('replays', '/v1/replays', { all: '' }),
  ];
}

const listsAt = (list: string, path: string, queries: Record<string, string>): List[] =>
  Object.entries(queries).map(([name, query]) => ({ name: `${list}: ${name}`, path, query }));
