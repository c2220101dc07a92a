import type { Subscription } from '@posthorn/contract';
import { Button } from '../../components/button.js';
import { SubscriptionPill, subscriptionWords } from '../../components/pill.js';
import { useSubscriptionActions } from './subscription-menu.js';

/** The actions that the webhook's status allows, with their effects. */
export function StatusActions({ account, subscription }: { account: string; subscription: Subscription }) {
  const actions = useSubscriptionActions(account, subscription);
  const { status } = subscription;
  return (
    <section className="panel stack" aria-labelledby="status">
      <div className="row">
        <h2 id="status">Status</h2>
        <SubscriptionPill of={subscription} />
      </div>
      <p className="muted">{subscriptionWords(subscription).text}</p>
      {status === 'active' && <p className="muted">Pause holds deliveries until you resume. No delivery is lost.</p>}
      {(status === 'active' || status === 'paused') && (
        <p className="muted">Disable stops the webhook. New events are not queued for it.</p>
      )}
      <div className="row">
        {status === 'unverified' && <Button onClick={actions.verify}>Verify again</Button>}
        {status === 'active' && <Button onClick={actions.pause}>Pause</Button>}
        {status === 'paused' && <Button onClick={actions.resume}>Resume</Button>}
        {status === 'disabled' && <Button onClick={actions.resume}>Enable</Button>}
        {(status === 'active' || status === 'paused') && <Button onClick={actions.disable}>Disable</Button>}
      </div>
    </section>
  );
}
