import type { DisableSubscription, Subscription } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { useMay } from '../session/session.js';
import { Menu, type MenuItem } from '../../components/menu.js';
import { useSay } from '../../components/toasts.js';
import { DeleteWebhook } from './delete-webhook.js';

/** What can be done with a webhook, wherever it is shown. */
export function SubscriptionMenu({ account, subscription }: { account: string; subscription: Subscription }) {
  const may = useMay();
  const acts = useSubscriptionActs(account, subscription);
  const [isDeleting, setIsDeleting] = useState(false);
  if (!may('subscriptions:write')) return null;
  const { status } = subscription;
  const items: MenuItem[] = [
    ...(status === 'unverified' ? [{ label: 'Verify again', onSelect: acts.verify }] : []),
    ...(status === 'active' ? [{ label: 'Pause', onSelect: acts.pause }] : []),
    ...(status === 'paused' ? [{ label: 'Resume', onSelect: acts.resume }] : []),
    ...(status === 'disabled' ? [{ label: 'Enable', onSelect: acts.resume }] : []),
    ...(status === 'active' || status === 'paused' ? [{ label: 'Disable', onSelect: acts.disable }] : []),
    { label: 'Delete…', onSelect: () => setIsDeleting(true), isDangerous: true },
  ];
  return (
    <>
      <Menu label={`Acts on ${subscription.url}`} items={items} />
      {isDeleting && (
        <DeleteWebhook account={account} subscription={subscription} onClose={() => setIsDeleting(false)} />
      )}
    </>
  );
}

/** Pause, resume, disable, verify: each says what it has done and, where it can, how to undo it. */
export function useSubscriptionActs(
  account: string,
  { id, status, statusChangedAt }: Pick<Subscription, 'id' | 'status' | 'statusChangedAt'>,
) {
  const say = useSay();
  const navigate = useNavigate();
  const path = `${accountPath(account)}/subscriptions/${id}`;
  const touches = ['accounts', account, 'subscriptions'];
  const resume = useAct<Subscription>({
    path: `${path}/resume`,
    touches,
    onDone: () =>
      status === 'disabled'
        ? say('Enabled. What was published meanwhile was not queued for it.', {
            label: 'Replay missing',
            onAct: () =>
              void navigate({
                to: '/accounts/$account/subscriptions/$subscription/replay',
                params: { account, subscription: id },
                search: { which: 'missed', from: statusChangedAt },
              }),
          })
        : say('Resumed: what was held goes out now.'),
  });
  const pause = useAct<Subscription>({
    path: `${path}/pause`,
    touches,
    onDone: () =>
      say('Paused: deliveries are held, none is lost.', { label: 'Undo', onAct: () => resume.mutate(undefined) }),
  });
  const disable = useAct<Subscription, DisableSubscription>({
    path: `${path}/disable`,
    touches,
    onDone: () =>
      say(
        'Disabled: events from now on are not queued for this webhook; replay what is missing later if need be. What it was owed waits.',
        // A paused one would be made active by that.
        status === 'active' ? { label: 'Undo', onAct: () => resume.mutate(undefined) } : undefined,
      ),
  });
  const verify = useAct<Subscription>({
    path: `${path}/verify`,
    touches,
    onDone: () => say('Verification started.'),
  });
  return {
    pause: () => pause.mutate(undefined),
    resume: () => resume.mutate(undefined),
    // What it is owed is held, so that nothing is lost by enabling it again.
    disable: () => disable.mutate({ deliveries: 'hold' }),
    verify: () => verify.mutate(undefined),
  };
}
