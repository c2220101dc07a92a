import type { Secrets } from '@posthorn/contract';
import { useState } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';

const OVERLAPS = [
  [86_400, '24 hours'],
  [3_600, '1 hour'],
  [604_800, '7 days'],
  [0, 'Revoke now (it may have leaked)'],
] as const;

/** Creates a new secret and asks how long to keep the old one valid. */
export function RotateSecret({
  account,
  id,
  onClose,
  onRotated,
}: {
  account: string;
  id: string;
  onClose: () => void;
  onRotated: (secrets: Secrets) => void;
}) {
  const [overlapSeconds, setOverlapSeconds] = useState(86_400);
  const rotate = useAction<Secrets, object>({
    path: `${accountPath(account)}/subscriptions/${id}/secret/rotate`,
    touches: ['accounts', account, 'subscriptions', 'list'],
    onDone: onRotated,
  });
  return (
    <Dialog
      title="Rotate the signing secret"
      onClose={onClose}
      foot={
        <>
          <Button look="primary" isPending={rotate.isPending} onClick={() => rotate.mutate({ overlapSeconds })}>
            Rotate secret
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <p>
        The new secret signs from the next attempt. Until the old secret expires, both sign each request, so you can
        update your endpoint in the meantime.
      </p>
      <div className="field">
        <label htmlFor="overlap">Keep the old secret valid for</label>
        <select
          id="overlap"
          className="input"
          value={overlapSeconds}
          onChange={({ target }) => setOverlapSeconds(Number(target.value))}
        >
          {OVERLAPS.map(([seconds, label]) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </select>
      </div>
    </Dialog>
  );
}
