import type { Secrets } from '@posthorn/contract';
import { useState } from 'react';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';

const OVERLAPS = [
  [86_400, '24 hours'],
  [3_600, '1 hour'],
  [604_800, '7 days'],
  [0, 'Not at all: it may have leaked'],
] as const;

/** Asks how long the present secret goes on, and makes a new one. */
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
  const rotate = useAct<Secrets, object>({
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
        A new secret signs from the next attempt on. The present one signs beside it for a while, so that receivers can
        change over.
      </p>
      <div className="field">
        <label htmlFor="overlap">The present secret goes on for</label>
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
