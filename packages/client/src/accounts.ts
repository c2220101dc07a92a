import { type Api, dataOf } from './api.js';
import { listOf } from './list.js';
import type { CallOptions } from './routes.js';
import type { Account, CreatedKey, CreateKey, DeletedAccount, PutAccount, QueryOf } from './types.js';

export const accountsOf = ({ routes, once }: Api) => ({
  /** Creates or changes an account. Absent fields stay unchanged. */
  put: (account: string, fields: PutAccount = {}, options?: CallOptions): Promise<Account> =>
    dataOf(routes.PUT('/v1/accounts/{account}', { params: { path: { account } }, body: fields, ...once(options) })),

  list: (query: QueryOf<'accounts.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) => dataOf(routes.GET('/v1/accounts', { params: { query: page }, ...once(options) }))),

  get: (account: string, query: QueryOf<'accounts.get'> = {}, options?: CallOptions): Promise<Account> =>
    dataOf(routes.GET('/v1/accounts/{account}', { params: { path: { account }, query }, ...once(options) })),

  /** Deletes an account and all its data, in the background. Returns undefined if everything is erased already: the response to an earlier
   *  attempt of this call was lost. */
  delete: (account: string, options?: CallOptions): Promise<DeletedAccount | undefined> =>
    dataOf(routes.DELETE('/v1/accounts/{account}', { params: { path: { account } }, ...once(options) })),
});

export const keysOf = ({ routes, once }: Api) => ({
  /** Creates a key of an account. Only this response contains it. */
  create: (account: string, fields: CreateKey, options?: CallOptions): Promise<CreatedKey> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/keys', { params: { path: { account } }, body: fields, ...once(options) }),
    ),

  list: (account: string, query: QueryOf<'keys.list'> = {}, options?: CallOptions) =>
    listOf(query, (page) =>
      dataOf(
        routes.GET('/v1/accounts/{account}/keys', { params: { path: { account }, query: page }, ...once(options) }),
      ),
    ),

  /** Revokes a key. The next request with it is a 401. */
  revoke: (account: string, key: string, options?: CallOptions): Promise<void> =>
    dataOf(
      routes.DELETE('/v1/accounts/{account}/keys/{key}', { params: { path: { account, key } }, ...once(options) }),
    ),
});
