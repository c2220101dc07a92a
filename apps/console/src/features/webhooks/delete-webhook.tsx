import type { Subscription } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { useSay } from '../../components/toasts.js';

export function DeleteWebhook({
  account,
  subscription: { id, url },
  onClose,
}: {
  account: string;
  subscription: Subscription;
  onClose: () => void;
}) {
  const { host } = new URL(url);
  const [typed, setTyped] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const say = useSay();
  const navigate = useNavigate();
  const remove = useAction<undefined>({
    method: 'DELETE',
    path: `${accountPath(account)}/subscriptions/${id}`,
    touches: ['accounts', account, 'subscriptions'],
    onDone() {
      say('Webhook deleted.');
      onClose();
      void navigate({ to: '/accounts/$account/integrations', params: { account } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() === host) remove.mutate(undefined);
    else setIsWrong(true);
  };
  return (
    <Dialog title="Delete webhook" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>
          Are you sure you want to delete this webhook? Pending deliveries are canceled; the history stays. To hold
          deliveries temporarily, pause the webhook instead.
        </p>
        <Field
          label={`Type ${host} to confirm`}
          value={typed}
          autoComplete="off"
          error={isWrong ? `Type ${host} exactly.` : null}
          onChange={(event) => {
            setTyped(event.target.value);
            setIsWrong(false);
          }}
        />
        <div className="row">
          <Button type="submit" look="danger" isPending={remove.isPending}>
            Delete webhook
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
