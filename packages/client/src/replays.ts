import { type Api, dataOf } from './api.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type { QueryOf, Replay, ReplayPreview, StartReplay, StartReplayOfAccounts } from './types.js';

/** `start` and `preview` set it. */
type WithoutDryRun<Body> = Omit<Body, 'dryRun'>;

export const replaysOf = ({ routes, once, repeatable }: Api) => ({
  /** Sends failed deliveries (`which: 'failed'`) or missed events (`'missed'`) of an account again. */
  start: (account: string, fields: WithoutDryRun<StartReplay>, options?: CallOptions): Promise<Replay> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/replays', {
        params: { path: { account } },
        body: { ...fields, dryRun: false },
        ...once(options),
      }),
    ) as Promise<Replay>,

  /** Counts what a replay would send. Changes nothing. */
  preview: (account: string, fields: WithoutDryRun<StartReplay>, options?: CallOptions): Promise<ReplayPreview> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/replays', {
        params: { path: { account } },
        body: { ...fields, dryRun: true },
        ...repeatable(options),
      }),
    ) as Promise<ReplayPreview>,

  list: (account: string, query: QueryOf<'replays.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/accounts/{account}/replays', { params: { path: { account }, query: page }, ...once(options) }),
      ),
    ),

  get: (account: string, replay: string, options?: CallOptions): Promise<Replay> =>
    dataOf(
      routes.GET('/v1/accounts/{account}/replays/{replay}', {
        params: { path: { account, replay } },
        ...once(options),
      }),
    ),

  /** Stops queueing. Queued deliveries are still sent. */
  cancel: (account: string, replay: string, options?: CallOptions): Promise<Replay> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/replays/{replay}/cancel', {
        params: { path: { account, replay } },
        ...repeatable(options),
      }),
    ),

  /** Like `start`, for all or several accounts. Operator only, as the following ones. */
  startForAccounts: (fields: WithoutDryRun<StartReplayOfAccounts>, options?: CallOptions): Promise<Replay> =>
    dataOf(routes.POST('/v1/replays', { body: { ...fields, dryRun: false }, ...once(options) })) as Promise<Replay>,

  previewForAccounts: (fields: WithoutDryRun<StartReplayOfAccounts>, options?: CallOptions): Promise<ReplayPreview> =>
    dataOf(
      routes.POST('/v1/replays', { body: { ...fields, dryRun: true }, ...repeatable(options) }),
    ) as Promise<ReplayPreview>,

  listAll: (query: QueryOf<'replays.listAll'> = {}, options?: CallOptions) =>
    listOf(query, (page) => dataOf(routes.GET('/v1/replays', { params: { query: page }, ...once(options) }))),

  getAny: (replay: string, options?: CallOptions): Promise<Replay> =>
    dataOf(routes.GET('/v1/replays/{replay}', { params: { path: { replay } }, ...once(options) })),

  /** The progress of a replay, account by account. */
  listAccounts: (replay: string, query: QueryOf<'replays.listAccounts'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/replays/{replay}/accounts', { params: { path: { replay }, query: page }, ...once(options) }),
      ),
    ),

  cancelAny: (replay: string, options?: CallOptions): Promise<Replay> =>
    dataOf(routes.POST('/v1/replays/{replay}/cancel', { params: { path: { replay } }, ...repeatable(options) })),
});
