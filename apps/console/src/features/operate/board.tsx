import type { BoardLink } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { call, query } from '../../api/call.js';
import { useTitle } from '../../components/page.js';
import { Loaded } from '../../components/states.js';

const route = getRouteApi('/board');

/** Opens Bull Board with a link that signs in: its start page, or the job of a delivery. The board’s own sign-in page leads here. */
export function Board() {
  const { delivery, attempt } = route.useSearch();
  useTitle('Bull Board');
  const link = useQuery({
    queryKey: ['board-link'],
    queryFn: async () => {
      const { url } = await call<BoardLink>('POST', '/v1/board-links');
      const target = new URL(url);
      if (delivery !== undefined) target.searchParams.set('next', `/deliveries/${delivery}${query({ attempt })}`);
      location.replace(target);
      return url;
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0, // a link works once
  });
  return (
    <Loaded query={link} what="Bull Board" lines={1}>
      {() => <p className="muted">Opening Bull Board…</p>}
    </Loaded>
  );
}
