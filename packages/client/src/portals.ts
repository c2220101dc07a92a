import { type Api, dataOf } from './api.js';
import type { CallOptions } from './routes.js';
import type { CreatePortalLink, PortalLink } from './types.js';

export const portalsOf = ({ routes, repeatable }: Api) => ({
  /** Creates a link to the portal of an account. It works once, within 5 minutes, so create it when you render the page with it. */
  createLink: (account: string, fields: CreatePortalLink = {}, options?: CallOptions): Promise<PortalLink> =>
    dataOf(
      routes.POST('/v1/accounts/{account}/portal-sessions', {
        params: { path: { account } },
        body: fields,
        ...repeatable(options),
      }),
    ),

  /** Ends all open portals of an account, and its unopened links. */
  endAll: (account: string, options?: CallOptions): Promise<void> =>
    dataOf(
      routes.DELETE('/v1/accounts/{account}/portal-sessions', {
        params: { path: { account } },
        ...repeatable(options),
      }),
    ),
});
