import {
  ListQuery,
  Replay,
  ReplayAccountList,
  ReplayList,
  ReplayOfAccountsQuery,
  ReplayPreview,
  ReplayQuery,
  StartReplay,
  StartReplayOfAccounts,
  toTypeId,
} from '@posthorn/contract';
import {
  cancelReplay,
  findReplay,
  listReplayAccounts,
  newestIds,
  startReplay,
  type WantedReplay,
  withTallies,
} from '@posthorn/core';
import type { z } from 'zod';
import { afterName, pageRange, toPage } from '../cursor.js';
import type { ApiDeps, App, Routes } from '../deps.js';
import { InvalidRequest, NotFound, NotPossible, ReplayRunning } from '../errors.js';
import { AccountParams, AnyReplayParams, ReplayParams, requireAccount, uuidOf } from './params.js';
import { filterJson, replayJson } from './replay-json.js';

const tags = ['Replays'];
const DESCRIPTION =
  'Runs in the background. Each delivery is sent like a new one, with the full retry schedule, and with its original `webhook-id` and body. ' +
  'Deliveries of a paused subscription are held. A dry run (200) returns a preview with counts and stores nothing.';
// Not `q`: the audit log outlives the account, and a text of a payload may be about a person.
const NOTED = [
  'which',
  'since',
  'until',
  'subscriptions',
  'eventTypes',
  'statuses',
  'outcomes',
  'statusCodes',
  'triggers',
  'replay',
];
const CANCEL_DESCRIPTION =
  'The replay stops queueing deliveries. Queued deliveries are still sent. Repeating it, or canceling a replay that is not running, changes nothing.';

export const replayRoutes: Routes<'db'> = (app, deps) => {
  accountRoutes(app, deps);
  operatorRoutes(app, deps);
};

function accountRoutes(app: App, deps: Pick<ApiDeps, 'db'>): void {
  app.post(
    '/v1/accounts/:account/replays',
    {
      config: {
        audit: { target: 'replay', notes: [...NOTED, 'event'], status: 202 },
        allow: 'deliveries:write',
        problems: ['replay_running'],
      },
      schema: {
        operationId: 'replays.start',
        summary: 'Replay failed deliveries or missed events',
        description: DESCRIPTION,
        tags,
        params: AccountParams,
        body: StartReplay,
        response: { 200: ReplayPreview, 202: Replay },
      },
    },
    async ({ params: { account }, body }, reply) => {
      const wanted = { ...wantedOf(body), accountId: account, accountIds: [account] };
      const started = await start(deps, {
        ...wanted,
        eventId: body.event === undefined ? null : uuidOf('evt', body.event),
      });
      return started.id === null ? reply.code(200).send(started) : reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/accounts/:account/replays',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'replays.list',
        summary: 'List replays',
        tags,
        params: AccountParams,
        querystring: ReplayQuery,
        response: { 200: ReplayList },
      },
    },
    async ({ params: { account }, query }) => {
      const page = await list(deps, { ...query, account });
      await requireAccount(deps, account, page.data);
      return page;
    },
  );

  app.get(
    '/v1/accounts/:account/replays/:replay',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'replays.get',
        summary: 'Get a replay with its progress',
        tags,
        params: ReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params }) => get(deps, params.account, params.replay),
  );

  app.post(
    '/v1/accounts/:account/replays/:replay/cancel',
    {
      config: { audit: { target: 'replay' }, allow: 'deliveries:write' },
      schema: {
        operationId: 'replays.cancel',
        summary: 'Cancel a replay',
        description: CANCEL_DESCRIPTION,
        tags,
        params: ReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params }) => cancel(deps, params.account, params.replay),
  );
}

function operatorRoutes(app: App, deps: Pick<ApiDeps, 'db'>): void {
  app.post(
    '/v1/replays',
    {
      config: {
        audit: { target: 'replay', notes: [...NOTED, 'accounts'], status: 202 },
        allow: 'operator',
        problems: ['replay_running'],
      },
      schema: {
        operationId: 'replays.startForAccounts',
        summary: 'Replay failed deliveries or missed events of many accounts',
        description: `Replays deliveries of all accounts, or of some. ${DESCRIPTION}`,
        tags,
        body: StartReplayOfAccounts,
        response: { 200: ReplayPreview, 202: Replay },
      },
    },
    async ({ body }, reply) => {
      const accountIds = [...new Set(body.accounts)];
      const started = await start(deps, { ...wantedOf(body), accountId: null, accountIds, eventId: null });
      return started.id === null ? reply.code(200).send(started) : reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/replays',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'replays.listAll',
        summary: 'List the replays of all accounts',
        description: 'Lists replays that operators started, and replays of single accounts.',
        tags,
        querystring: ReplayOfAccountsQuery,
        response: { 200: ReplayList },
      },
    },
    async ({ query }) => list(deps, query),
  );

  app.get(
    '/v1/replays/:replay',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'replays.getAny',
        summary: 'Get a replay of any account with its progress',
        tags,
        params: AnyReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params: { replay } }) => get(deps, null, replay),
  );

  app.get(
    '/v1/replays/:replay/accounts',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'replays.listAccounts',
        summary: 'Get the progress of a replay by account',
        tags,
        params: AnyReplayParams,
        querystring: ListQuery,
        response: { 200: ReplayAccountList },
      },
    },
    async ({ params: { replay }, query: { limit, cursor } }) => {
      const found = await findReplay(deps.db, { accountId: null, id: uuidOf('rpl', replay) });
      if (!found) throw new NotFound('replay');
      const afterAccountId = afterName('replayAccounts', cursor);
      const rows =
        found.accountId === null
          ? await listReplayAccounts(deps.db.pool, { replay: found, afterAccountId, limit: limit + 1 })
          : [{ ...found, accountId: found.accountId }].filter(({ accountId }) => accountId > afterAccountId);
      return toPage(rows, {
        limit,
        list: 'replayAccounts',
        keyOf: ({ accountId }) => [accountId],
        itemOf: ({ accountId, queued, delivered, failed, pending }) => ({
          accountId,
          queued,
          delivered,
          failed,
          pending,
        }),
      });
    },
  );

  app.post(
    '/v1/replays/:replay/cancel',
    {
      config: { audit: { target: 'replay' }, allow: 'operator' },
      schema: {
        operationId: 'replays.cancelAny',
        summary: 'Cancel a replay of any account',
        description: CANCEL_DESCRIPTION,
        tags,
        params: AnyReplayParams,
        response: { 200: Replay },
      },
    },
    async ({ params: { replay } }) => cancel(deps, null, replay),
  );
}

const DEFAULT_STATUSES = ['failed', 'canceled'] as const;

type WantedFields = Omit<WantedReplay, 'accountId' | 'accountIds' | 'eventId'>;
type Body = Omit<StartReplay, 'event'>;

/** Throws InvalidRequest for a range that is empty or starts in the future. */
function wantedOf(body: Body): WantedFields {
  const { which, subscriptions = [], eventTypes = [], statuses, outcomes = [], statusCodes = [], triggers = [] } = body;
  return {
    which,
    ...requireRange(body, new Date()),
    subscriptionIds: [...new Set(subscriptions)].map((id) => uuidOf('sub', id)),
    eventTypes: [...new Set(eventTypes)],
    statuses: which === 'failed' ? [...new Set(statuses ?? DEFAULT_STATUSES)] : [],
    outcomes: [...new Set(outcomes)],
    statusCodes: [...new Set(statusCodes)],
    triggers: [...new Set(triggers)],
    ofReplayId: body.replay === undefined ? null : uuidOf('rpl', body.replay),
    q: body.q ?? null,
    isDryRun: body.dryRun,
  };
}

const START_OF_TIME = '1970-01-01T00:00:00.000Z';

/** `until` is at most now: later events do not exist yet. */
function requireRange({ since, until }: Pick<Body, 'since' | 'until'>, now: Date): { since: Date; until: Date } {
  const range = { since: new Date(since ?? START_OF_TIME), until: until === undefined ? now : new Date(until) };
  if (range.since >= now) throw new InvalidRequest([{ path: 'since', message: 'must be in the past' }]);
  if (range.since >= range.until) throw new InvalidRequest([{ path: 'since', message: 'must be before until' }]);
  return { ...range, until: range.until > now ? now : range.until };
}

async function start(deps: Pick<ApiDeps, 'db'>, wanted: WantedReplay): Promise<Replay | ReplayPreview> {
  const result = await startReplay(deps, wanted);
  switch (result.outcome) {
    case 'started':
      return replayJson(result.replay);
    case 'counted': {
      const { matched, hasMore, subscriptionCount, accountCount } = result;
      const counts = { matched, more: hasMore, subscriptionCount, accountCount };
      return { id: null, ...filterJson(wanted), status: 'dry_run', ...counts };
    }
    case 'running':
      throw new ReplayRunning(toTypeId('rpl', result.replayId));
    case 'not_found':
      throw new NotFound('account');
    case 'unknown':
      throw new InvalidRequest([UNKNOWN[result.what](result.id)]);
    case 'not_possible':
      throw new NotPossible(result.reason);
    default:
      return result satisfies never;
  }
}

const UNKNOWN = {
  account: (id: string) => ({ path: 'accounts', message: `the account ${id} does not exist` }),
  subscription: (id: string) => ({
    path: 'subscriptions',
    message: `the subscription ${toTypeId('sub', id)} does not exist`,
  }),
  event: (id: string) => ({ path: 'event', message: `the event ${toTypeId('evt', id)} does not exist` }),
  replay: (id: string) => ({ path: 'replay', message: `the replay ${toTypeId('rpl', id)} does not exist` }),
};

/** Without an account: replays of all accounts and of operators. */
async function list(
  deps: Pick<ApiDeps, 'db'>,
  { account, subscription, limit, cursor }: z.infer<typeof ReplayOfAccountsQuery>,
): Promise<z.infer<typeof ReplayList>> {
  const { db } = deps;
  const ids = await newestIds(db.pool, {
    table: 'replays',
    of: account === undefined ? {} : { account_id: account },
    overlaps: { subscription_ids: subscription?.map((id) => uuidOf('sub', id)) },
    ...pageRange('replays', { limit, cursor }),
  });
  const rows = await db.prisma.replay.findMany({ where: { id: { in: ids } }, orderBy: { id: 'desc' } });
  const found = await withTallies(db, rows);
  return toPage(found, { limit, list: 'replays', keyOf: ({ id }) => [id], itemOf: replayJson });
}

async function get({ db }: Pick<ApiDeps, 'db'>, accountId: string | null, replay: string): Promise<Replay> {
  const found = await findReplay(db, { accountId, id: uuidOf('rpl', replay) });
  if (!found) throw new NotFound('replay');
  return replayJson(found);
}

async function cancel(deps: Pick<ApiDeps, 'db'>, accountId: string | null, replay: string): Promise<Replay> {
  const canceled = await cancelReplay(deps, { accountId, id: uuidOf('rpl', replay) });
  if (!canceled) throw new NotFound('replay');
  return replayJson(canceled);
}
