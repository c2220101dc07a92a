import type { Session } from '@posthorn/contract';
import { queryOptions } from '@tanstack/react-query';
import { call } from '../../api/call.js';
import { openPortal } from '../portal/portal.js';
import { openSignInLink } from './sign-in-link.js';

/** The current session. This first opens the link of a portal, or a sign-in link. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    await openPortal();
    await openSignInLink();
    return call<Session>('GET', '/v1/session', undefined, signal);
  },
  retry: false,
  staleTime: Number.POSITIVE_INFINITY,
});
