import type { EventDetail, Replay, Subscription } from '@posthorn/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Url } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { useSay } from '../../components/toasts.js';
import { replaysPath } from '../replays/queries.js';
import { allSubscriptionsQuery } from '../webhooks/queries.js';

type Event = Pick<EventDetail, 'id' | 'event' | 'deliveries'>;

/** Maximum number of webhooks of one replay. */
const AT_ONCE = 50;

/** Sends an event to chosen webhooks: again, or for the first time. */
export function SendEvent({ account, event, onClose }: { account: string; event: Event; onClose: () => void }) {
  const subscriptions = useQuery(allSubscriptionsQuery(account));
  const [chosen, setChosen] = useState<string[]>([]);
  const send = useSendEvent(account, event, onClose);
  const toggle = (id: string) => setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return (
    <Dialog
      title="Send to webhooks"
      onClose={onClose}
      foot={
        <>
          <Button
            look="primary"
            disabled={chosen.length === 0 || chosen.length > AT_ONCE}
            isPending={send.isPending}
            onClick={() => send.mutate(chosen)}
          >
            Send
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <Loaded query={subscriptions} what="webhooks" lines={3}>
        {({ data }) => {
          const able = data.filter((one) => receives(one, event));
          return able.length === 0 ? (
            <p>No webhook that is active or paused is subscribed to {event.event}.</p>
          ) : (
            <fieldset className="field">
              <legend className="label">Which webhooks?</legend>
              {able.map((one) => (
                <label key={one.id} className="choice">
                  <input type="checkbox" checked={chosen.includes(one.id)} onChange={() => toggle(one.id)} />
                  <span>
                    <Url url={one.url} /> <span className="muted small">{stateOf(event, one.id)}</span>
                  </span>
                </label>
              ))}
            </fieldset>
          );
        }}
      </Loaded>
      {chosen.length > AT_ONCE && <p className="error">Choose at most {AT_ONCE} webhooks.</p>}
    </Dialog>
  );
}

const PENDING = ['pending', 'held'];

const deliveryTo = ({ deliveries }: Event, subscription: string) =>
  deliveries.find(({ subscriptionId }) => subscriptionId === subscription);

/** The event can be sent to this webhook, and is not queued for it yet. */
function receives({ id, status, events }: Subscription, event: Event): boolean {
  const delivery = deliveryTo(event, id);
  if (status !== 'active' && status !== 'paused') return false;
  if (delivery) return !PENDING.includes(delivery.status);
  return events.length === 0 || events.some((one) => one === event.event || one === `${event.event.split(':')[0]}:*`);
}

function stateOf(event: Event, subscription: string): string {
  const delivery = deliveryTo(event, subscription);
  if (delivery === undefined) return 'Not sent yet';
  return delivery.status === 'succeeded' ? 'Delivered; it will be sent again' : 'Failed or canceled';
}

/** Those that have a delivery get it again; the others get one. */
function useSendEvent(account: string, event: Event, onDone: () => void) {
  const queryClient = useQueryClient();
  const say = useSay();
  return useMutation<void, Error, string[]>({
    async mutationFn(chosen) {
      const again = chosen.filter((id) => deliveryTo(event, id));
      const first = chosen.filter((id) => !deliveryTo(event, id));
      const start = (subscriptions: string[], filter: object) =>
        subscriptions.length === 0
          ? null
          : call<Replay>('POST', replaysPath(account), { event: event.id, subscriptions, ...filter });
      await start(again, { which: 'failed', statuses: ['failed', 'canceled', 'succeeded'] });
      await start(first, { which: 'missed' });
    },
    onSuccess(_, chosen) {
      say(`Sending it to ${chosen.length === 1 ? '1 webhook' : `${chosen.length} webhooks`}.`);
      onDone();
    },
    onError: (error) => say(error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['accounts', account] }),
  });
}
