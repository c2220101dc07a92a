import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { subscriptionQuery } from '../../queries/webhooks.js';
import { useAccount, useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { DeleteWebhook } from './delete-webhook.js';
import { SecretBox } from './secret-box.js';
import { StatusActions } from './status-actions.js';
import { useSubscriptionId } from './subscription-id.js';
import { WebhookForm } from './webhook-form.js';

export function SubscriptionSettings() {
  const account = useAccount();
  const { data } = useQuery(subscriptionQuery(account, useSubscriptionId()));
  const may = useMay();
  const [isDeleting, setIsDeleting] = useState(false);
  if (!data) return null;
  return (
    <div className="stack wide">
      <WebhookForm key={data.id} account={account} subscription={data} />
      {may('secrets:read') && (
        <div className="panel">
          <SecretBox account={account} id={data.id} />
        </div>
      )}
      <StatusActions account={account} subscription={data} />
      <div className="panel stack">
        <h2>Delete</h2>
        <p className="muted">Pending deliveries are canceled; the history stays.</p>
        <div className="row">
          <Button look="danger" onClick={() => setIsDeleting(true)}>
            Delete webhook…
          </Button>
        </div>
      </div>
      {isDeleting && <DeleteWebhook account={account} subscription={data} onClose={() => setIsDeleting(false)} />}
    </div>
  );
}
