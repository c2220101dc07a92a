import type { Subscription, TestSent } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { deliveryQuery } from '../../queries/deliveries.js';
import { subscriptionQuery } from '../../queries/webhooks.js';
import { useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { useToast } from '../../components/toasts.js';
import { AttemptResult } from '../deliveries/attempt-result.js';
import { SecretBox } from './secret-box.js';
import { NewWebhookForm } from './new-webhook-form.js';

/** The dialog that adds a webhook. Saving creates it with all its settings and starts its verification. Then the dialog shows the secret and offers a test. */
export function AddWebhook({ account, onClose }: { account: string; onClose: () => void }) {
  const [id, setId] = useState<string | null>(null);
  const toast = useToast();
  const may = useMay();
  const made = useQuery({ ...subscriptionQuery(account, id ?? ''), enabled: id !== null });
  const isVerified = made.data !== undefined && made.data.status !== 'unverified';
  function close(): void {
    if (made.data?.status === 'unverified') toast('Webhook saved. It receives no events until its URL is verified.');
    onClose();
  }
  return (
    <Dialog
      title="Add webhook URL"
      onClose={close}
      foot={
        id !== null && (
          <Button look={isVerified ? 'primary' : undefined} onClick={close}>
            {isVerified ? 'Done' : 'Close'}
          </Button>
        )
      }
    >
      <p className="muted">Posthorn sends events, such as a new message, to this URL.</p>
      <NewWebhookForm account={account} made={made.data ?? null} onMade={(one) => setId(one.id)} onCancel={close} />
      {made.data && may('secrets:read') && <SecretBox account={account} id={made.data.id} />}
      {made.data && isVerified && <TestSection account={account} subscription={made.data} />}
    </Dialog>
  );
}

function TestSection({ account, subscription }: { account: string; subscription: Subscription }) {
  const path = `${accountPath(account)}/subscriptions/${subscription.id}`;
  const test = useAction<TestSent, object>({ path: `${path}/test`, touches: ['accounts', account, 'deliveries'] });
  const delivery = useQuery({
    ...deliveryQuery(account, test.data?.deliveryId ?? ''),
    enabled: test.data !== undefined,
  });
  const attempt = delivery.data?.attempts.at(-1);
  return (
    <section className="stack close" aria-labelledby="test-title">
      <h3 id="test-title">Send a test</h3>
      <div className="row">
        <Button
          onClick={() => test.mutate({})}
          isPending={test.isPending || (test.data !== undefined && attempt === undefined)}
        >
          Send test
        </Button>
        {test.data && (
          <Link to="/accounts/$account/deliveries/$delivery" params={{ account, delivery: test.data.deliveryId }}>
            View delivery
          </Link>
        )}
      </div>
      {attempt && <AttemptResult attempt={attempt} />}
    </section>
  );
}
