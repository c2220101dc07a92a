import type { Subscription } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { allSubscriptionsQuery } from '../webhooks/queries.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Url } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { useSay } from '../../components/toasts.js';

/** Subscribes one of the account's webhooks to an event type. */
export function AddToWebhook({ account, type, onClose }: { account: string; type: string; onClose: () => void }) {
  const subscriptions = useQuery(allSubscriptionsQuery(account));
  const [chosen, setChosen] = useState<Subscription | null>(null);
  const say = useSay();
  const change = useAction<Subscription, object>({
    method: 'PATCH',
    path: `${accountPath(account)}/subscriptions/${chosen?.id}`,
    touches: ['accounts', account, 'subscriptions'],
    onDone() {
      say(`Webhook subscribed to ${type}.`);
      onClose();
    },
  });
  return (
    <Dialog
      title="Subscribe a webhook"
      onClose={onClose}
      foot={
        <>
          <Button
            look="primary"
            disabled={chosen === null}
            isPending={change.isPending}
            onClick={() => change.mutate({ events: [...(chosen?.events ?? []), type] })}
          >
            Subscribe
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <Loaded query={subscriptions} what="webhooks" lines={3}>
        {({ data }) => {
          // An empty list means all event types.
          const others = data.filter(({ events }) => events.length > 0 && !events.includes(type));
          return others.length === 0 ? (
            <p>
              All webhooks of this account subscribe to it now. To send earlier events, use the Replay tab of a webhook.
            </p>
          ) : (
            <fieldset className="field">
              <legend className="label">
                Webhook to subscribe to <code>{type}</code>
              </legend>
              {others.map((one) => (
                <label key={one.id} className="choice">
                  <input type="radio" name="webhook" checked={chosen?.id === one.id} onChange={() => setChosen(one)} />
                  <Url url={one.url} />
                </label>
              ))}
            </fieldset>
          );
        }}
      </Loaded>
    </Dialog>
  );
}
