import type { Session } from '@posthorn/contract';
import { queryOptions } from '@tanstack/react-query';
import { call } from '../../api/call.js';
import { openPortal } from '../portal/portal.js';

/** The current session. In a portal, this first opens its link. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    await openPortal();
    return call<Session>('GET', '/v1/session', undefined, signal);
  },
  retry: false,
  staleTime: Number.POSITIVE_INFINITY,
});
