import { useQuery } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { CirclePause, CircleX, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Subscription } from '@posthorn/contract';
import { portalTheme } from '../portal/portal.js';
import { subscriptionQuery } from '../../queries/webhooks.js';
import { useAccount, useMay } from '../session/session.js';
import { Banner } from '../../components/banner.js';
import { Button } from '../../components/button.js';
import { Copy } from '../../components/copy.js';
import { Url } from '../../components/outside-text.js';
import { PageHead, useTitle } from '../../components/page.js';
import { SubscriptionPill, subscriptionWords } from '../../components/pill.js';
import { Loaded, Skeleton } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { useSubscriptionId } from './subscription-id.js';
import { SubscriptionMenu, useSubscriptionActions } from './subscription-menu.js';
import { VerificationResult } from './verification-result.js';
import { DisabledPanel, type Health, useWebhookHealth, wasFailing, WebhookHealth } from './webhook-health.js';
import '../../components/tabs.css';
import './subscription.css';

/** A webhook: its status above its tabs. */
export function SubscriptionScreen() {
  const account = useAccount();
  const id = useSubscriptionId();
  const subscription = useQuery(subscriptionQuery(account, id));
  useTitle(subscription.data?.url ?? 'Webhook', account);
  return (
    <Loaded query={subscription} what="the webhook">
      {(data) => (
        <>
          {portalTheme().navigation === 'hidden' && (
            <p className="small">
              <Link to="/accounts/$account/integrations" params={{ account }}>
                All webhooks
              </Link>
            </p>
          )}
          <PageHead
            title={
              <span className="row">
                <Url url={data.url} />
                <Copy text={data.url} what="URL" />
              </span>
            }
            note={data.description !== null && <bdi>{data.description}</bdi>}
            action={
              <>
                <SubscriptionPill of={data} />
                <SubscriptionMenu account={account} subscription={data} />
              </>
            }
          />
          <Below account={account} subscription={data} />
        </>
      )}
    </Loaded>
  );
}

/** The content below the head. It appears all at once, because late parts would move the others. */
function Below({ account, subscription }: { account: string; subscription: Subscription }) {
  const may = useMay();
  const health = useWebhookHealth(account, subscription);
  const params = { account, subscription: subscription.id };
  if (health.isPending) return <Skeleton what="the webhook" />;
  return (
    <>
      <StatusBanner account={account} subscription={subscription} health={health} />
      <nav className="tabs" aria-label="Webhook">
        <Link
          to="/accounts/$account/subscriptions/$subscription"
          params={params}
          activeOptions={{ exact: true, includeSearch: false }}
        >
          Overview
        </Link>
        <Link to="/accounts/$account/subscriptions/$subscription/deliveries" params={params}>
          Deliveries
        </Link>
        {may('deliveries:write') && (
          <Link to="/accounts/$account/subscriptions/$subscription/replay" params={params}>
            Replay
          </Link>
        )}
        {may('subscriptions:write') && (
          <>
            <Link to="/accounts/$account/subscriptions/$subscription/test" params={params}>
              Testing
            </Link>
            <Link to="/accounts/$account/subscriptions/$subscription/settings" params={params}>
              Settings
            </Link>
          </>
        )}
      </nav>
      <Outlet />
    </>
  );
}

/** Says why the webhook receives no events, or is failing, with the action that fixes it. */
function StatusBanner({
  account,
  subscription,
  health,
}: {
  account: string;
  subscription: Subscription;
  health: Health;
}) {
  const actions = useSubscriptionActions(account, subscription);
  const may = useMay()('subscriptions:write');
  const { status, statusChangedAt, pendingUrl, verification } = subscription;
  const retry = may ? actions.verify : undefined;
  if (status === 'unverified')
    return (
      <Spaced>
        <Banner tone="warning" icon={TriangleAlert}>
          {subscriptionWords(subscription).text}
        </Banner>
        <VerificationResult subscription={subscription} onRetry={retry} />
      </Spaced>
    );
  return (
    <Spaced>
      {pendingUrl !== null && (
        <>
          <Banner tone="warning" icon={TriangleAlert}>
            The new URL <span className="mono">{pendingUrl}</span> is not verified yet. Until then, events go to the URL
            above.
          </Banner>
          {verification.status !== 'verified' && <VerificationResult subscription={subscription} onRetry={retry} />}
        </>
      )}
      {status === 'paused' && (
        <Banner tone="neutral" icon={CirclePause} action={may && <Button onClick={actions.resume}>Resume</Button>}>
          {subscriptionWords(subscription).text} Paused <Time at={statusChangedAt} />.
        </Banner>
      )}
      {wasFailing(subscription) ? (
        <DisabledPanel
          account={account}
          subscription={subscription}
          health={health}
          onEnable={may ? actions.resume : undefined}
        />
      ) : (
        status === 'disabled' && (
          <Banner tone="danger" icon={CircleX} action={may && <Button onClick={actions.resume}>Enable</Button>}>
            <DisabledText subscription={subscription} />
          </Banner>
        )
      )}
      {status === 'active' && <WebhookHealth account={account} subscription={subscription} health={health} />}
    </Spaced>
  );
}

/** Since when it is disabled, and what that means. */
function DisabledText({ subscription }: { subscription: Subscription }) {
  const { statusChangedAt } = subscription;
  const { text } = subscriptionWords(subscription);
  const [first, ...rest] = text.split('. ');
  return (
    <>
      {first} <Time at={statusChangedAt} />. {rest.join('. ')}
    </>
  );
}

const Spaced = ({ children }: { children: ReactNode }) => <div className="stack close banners">{children}</div>;
