import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { query } from './call.js';
import { accountPath } from './queries.js';

export type Live = 'off' | 'on' | 'lost';

/** While it is on, refetches an account's deliveries within a second of a change. When the stream breaks, the usual polling
 *  goes on, and it says so until the browser has connected again. */
export function useLive(account: string, subscription: string | undefined, isOn: boolean): Live {
  const queryClient = useQueryClient();
  const [isLost, setIsLost] = useState(false);
  useEffect(() => {
    if (!isOn) return;
    const stream = new EventSource(
      new URL(`.${accountPath(account)}/stream${query({ subscription })}`, document.baseURI),
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refetch = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queryClient.invalidateQueries({ queryKey: ['accounts', account, 'deliveries', 'list'] });
      }, 500);
    };
    for (const name of ['delivery', 'attempt', 'skipped']) stream.addEventListener(name, refetch);
    stream.addEventListener('open', () => setIsLost(false));
    stream.addEventListener('error', () => setIsLost(true));
    return () => {
      stream.close();
      clearTimeout(timer);
    };
  }, [account, subscription, isOn, queryClient]);
  return !isOn ? 'off' : isLost ? 'lost' : 'on';
}
