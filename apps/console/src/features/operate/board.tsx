import type { BoardLink } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../../api/call.js';
import { useTitle } from '../../components/page.js';
import { Loaded } from '../../components/states.js';

/** Opens Bull Board with a link that signs in. The board’s own sign-in page leads here. */
export function Board() {
  useTitle('Bull Board');
  const link = useQuery({
    queryKey: ['board-link'],
    queryFn: async () => {
      const { url } = await call<BoardLink>('POST', '/v1/board-links');
      location.replace(url);
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
