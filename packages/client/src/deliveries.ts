import { type Api, dataOf } from './api.js';
import { follow, type FollowOptions, type Followed } from './follow.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type { Delivery, DeliveryDetail, ListCount, QueryOf } from './types.js';

export const deliveriesOf = ({ routes, once }: Api) => ({
  list: (account: string, query: QueryOf<'deliveries.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/accounts/{account}/deliveries', {
          params: { path: { account }, query: page },
          ...once(options),
        }),
      ),
    ),

  /** Counts deliveries, up to 10,000. */
  count: (account: string, query: QueryOf<'deliveries.count'> = {}, options?: CallOptions): Promise<ListCount> =>
    dataOf(
      routes.GET('/v1/accounts/{account}/deliveries/count', { params: { path: { account }, query }, ...once(options) }),
    ),

  /** Returns a delivery with its attempts. */
  get: (account: string, delivery: string, options?: CallOptions): Promise<DeliveryDetail> =>
    dataOf(
      routes.GET('/v1/accounts/{account}/deliveries/{delivery}', {
        params: { path: { account, delivery } },
        ...once(options),
      }),
    ),

  /** Makes one more attempt now. */
  retry: (account: string, delivery: string, options?: CallOptions): Promise<Delivery> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/deliveries/{delivery}/retry', {
        params: { path: { account, delivery } },
        ...once(options),
      }),
    ),

  /** Follows deliveries and attempts as they happen, and reconnects after a disconnect. `account` null: those of all accounts, for
   *  operators. Ends when `signal` aborts. Throws when the first request fails, or Posthorn refuses to continue. */
  follow: (account: string | null, options?: FollowOptions): AsyncGenerator<Followed, void> =>
    follow(routes, account, options),
});
