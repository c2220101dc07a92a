import type { Delivery } from '@posthorn/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import { accountPath } from '../../api/account-path.js';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { whole } from '../../components/number.js';
import { useToast } from '../../components/toasts.js';
import { useMay } from '../session/session.js';
import './retry-selected.css';

/** Requests at once. */
const AT_ONCE = 4;

/** Selects the deliveries of a page, and makes one attempt now of each selected one. Only for those who may retry. */
export function RetrySelected({
  account,
  deliveries,
  ids,
  onChange,
}: {
  account: string;
  deliveries: Delivery[];
  ids: ReadonlySet<string>;
  onChange: (ids: Set<string>) => void;
}) {
  const mayRetry = useMay()('deliveries:write');
  const toast = useToast();
  const queryClient = useQueryClient();
  const [done, setDone] = useState(0);
  const { mutate, isPending } = useMutation({
    mutationFn: async (wanted: string[]) => {
      setDone(0);
      const left = [...wanted];
      const failed: string[] = [];
      const retryNext = async (): Promise<void> => {
        for (let id = left.pop(); id !== undefined; id = left.pop()) {
          await call('POST', `${accountPath(account)}/deliveries/${id}/retry`).catch((error: unknown) =>
            failed.push(error instanceof Error ? error.message : String(error)),
          );
          setDone((before) => before + 1);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, retryNext));
      return { count: wanted.length - failed.length, failed };
    },
    onSuccess: ({ count, failed }) => {
      toast(
        failed.length === 0
          ? `${whole.format(count)} ${count === 1 ? 'retry' : 'retries'} queued.`
          : `${whole.format(count)} queued, ${whole.format(failed.length)} not: ${failed[0]}`,
      );
      onChange(new Set());
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['accounts', account, 'deliveries'] }),
  });
  const isAll = deliveries.length > 0 && deliveries.every(({ id }) => ids.has(id));
  if (!mayRetry || deliveries.length === 0) return null;
  return (
    <div className="row selection" role="group" aria-label="Selection">
      <label className="row tight small">
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box) box.indeterminate = ids.size > 0 && !isAll;
          }}
          onChange={() => onChange(new Set(isAll ? [] : deliveries.map(({ id }) => id)))}
        />
        Select this page
      </label>
      {ids.size > 0 && (
        <>
          <strong className="number small" role="status">
            {whole.format(ids.size)} selected
          </strong>
          <Button isPending={isPending} onClick={() => mutate([...ids])}>
            {!isPending && <RotateCw className="icon" aria-hidden />}
            {isPending ? `${whole.format(done)} of ${whole.format(ids.size)} queued` : 'Retry selected'}
          </Button>
        </>
      )}
    </div>
  );
}
