import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { query } from '../../api/call.js';
import { accountPath } from '../../api/account-path.js';
import { readStream } from '../../api/stream.js';

export type Live = 'off' | 'on' | 'lost';

const BATCH_MS = 500;

/** Refetches an account's deliveries within a second of a change while `isOn`. Returns 'lost' while the stream is broken; polling then
 *  continues. */
export function useLive(account: string, subscription: string | undefined, isOn: boolean): Live {
  const queryClient = useQueryClient();
  const [isLost, setIsLost] = useState(false);
  useEffect(() => {
    if (!isOn) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refetch = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queryClient.invalidateQueries({ queryKey: ['accounts', account, 'deliveries', 'list'] });
      }, BATCH_MS);
    };
    void readStream(`${accountPath(account)}/stream${query({ subscription })}`, {
      onEvent: refetch,
      onState: (isOpen) => setIsLost(!isOpen),
      signal: stop.signal,
    });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [account, subscription, isOn, queryClient]);
  return !isOn ? 'off' : isLost ? 'lost' : 'on';
}
