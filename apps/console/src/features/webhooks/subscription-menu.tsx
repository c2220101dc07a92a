import type { DisableSubscription, Subscription } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { useMay } from '../session/session.js';
import { Menu, type MenuItem } from '../../components/menu.js';
import { useToast } from '../../components/toasts.js';
import { undeliveredFrom } from './undelivered-from.js';
import { DeleteWebhook } from './delete-webhook.js';

/** The menu of a webhook's actions. */
export function SubscriptionMenu({
  account,
  subscription,
  hasTabs = false,
}: {
  account: string;
  subscription: Subscription;
  /** Whether to include links to the tabs of the webhook's page. */
  hasTabs?: boolean;
}) {
  const may = useMay();
  const navigate = useNavigate();
  const actions = useSubscriptionActions(account, subscription);
  const [isDeleting, setIsDeleting] = useState(false);
  if (!may('subscriptions:write')) return null;
  const { status } = subscription;
  const openTab = (tab: 'test' | 'settings' | 'replay') =>
    void navigate({
      to: `/accounts/$account/subscriptions/$subscription/${tab}`,
      params: { account, subscription: subscription.id },
    });
  const items: MenuItem[] = [
    ...(hasTabs
      ? [
          { label: 'Send test', onSelect: () => openTab('test') },
          { label: 'Edit', onSelect: () => openTab('settings') },
        ]
      : []),
    ...(status === 'unverified' ? [{ label: 'Verify again', onSelect: actions.verify }] : []),
    ...(status === 'active' ? [{ label: 'Pause', onSelect: actions.pause }] : []),
    ...(status === 'paused' ? [{ label: 'Resume', onSelect: actions.resume }] : []),
    ...(status === 'disabled' ? [{ label: 'Enable', onSelect: actions.resume }] : []),
    ...(status === 'active' || status === 'paused' ? [{ label: 'Disable', onSelect: actions.disable }] : []),
    ...(hasTabs && may('deliveries:write') ? [{ label: 'Replay…', onSelect: () => openTab('replay') }] : []),
    { label: 'Delete…', onSelect: () => setIsDeleting(true), isDangerous: true },
  ];
  return (
    <>
      <Menu label={`Actions for ${subscription.url}`} items={items} />
      {isDeleting && (
        <DeleteWebhook account={account} subscription={subscription} onClose={() => setIsDeleting(false)} />
      )}
    </>
  );
}

/** The actions on a webhook. A toast reports each, with Undo if possible. */
export function useSubscriptionActions(
  account: string,
  subscription: Pick<Subscription, 'id' | 'status' | 'statusChangedAt' | 'failingSince' | 'holdsWhenDisabled'>,
) {
  const { id, status, statusChangedAt, holdsWhenDisabled } = subscription;
  const toast = useToast();
  const navigate = useNavigate();
  const path = `${accountPath(account)}/subscriptions/${id}`;
  const touches = ['accounts', account, 'subscriptions'];
  const openReplay = (search: { which: 'missed' | 'failed'; from: string }) =>
    void navigate({
      to: '/accounts/$account/subscriptions/$subscription/replay',
      params: { account, subscription: id },
      search,
    });
  const missed = {
    label: 'Replay missed events',
    onClick: () => openReplay({ which: 'missed', from: statusChangedAt }),
  };
  const canceled = {
    label: 'Replay failed and canceled',
    onClick: () => openReplay({ which: 'failed', from: undeliveredFrom(subscription) }),
  };
  const resume = useAction<Subscription>({
    path: `${path}/resume`,
    touches,
    onDone: () => {
      if (status !== 'disabled') toast('Webhook resumed. Held deliveries are being sent.');
      else if (holdsWhenDisabled)
        toast('Webhook enabled. Events published while it was disabled were not queued.', missed);
      else
        toast(
          'Webhook enabled. Pending deliveries were canceled, and events published while it was disabled were not queued.',
          canceled,
          missed,
        );
    },
  });
  const pause = useAction<Subscription>({
    path: `${path}/pause`,
    touches,
    onDone: () =>
      toast('Webhook paused. Its deliveries are held.', { label: 'Undo', onClick: () => resume.mutate(undefined) }),
  });
  const disable = useAction<Subscription, DisableSubscription>({
    path: `${path}/disable`,
    touches,
    onDone: () =>
      toast(
        'Webhook disabled. New events are not queued; pending deliveries are held. You can replay missed events later.',
        // Undo would make a paused webhook active.
        ...(status === 'active' ? [{ label: 'Undo', onClick: () => resume.mutate(undefined) }] : []),
      ),
  });
  const verify = useAction<Subscription>({
    path: `${path}/verify`,
    touches,
    onDone: () => toast('Verification started.'),
  });
  return {
    pause: () => pause.mutate(undefined),
    resume: () => resume.mutate(undefined),
    // Holds pending deliveries, so that enabling the webhook again loses nothing.
    disable: () => disable.mutate({ deliveries: 'hold' }),
    verify: () => verify.mutate(undefined),
  };
}
