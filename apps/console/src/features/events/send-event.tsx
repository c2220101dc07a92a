import { type EventDetail, type Replay, type Subscription, SubscriptionId } from '@posthorn/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import * as z from 'zod';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { errorOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';
import { Url } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { useToast } from '../../components/toasts.js';
import { readDeliveriesTo } from '../../queries/deliveries.js';
import { replaysPath } from '../../queries/replays.js';
import { allSubscriptionsQuery } from '../../queries/webhooks.js';

type Event = Pick<EventDetail, 'id' | 'event' | 'deliveries' | 'deliveryCounts'>;

/** Maximum number of webhooks of one replay. */
const AT_ONCE = 50;

const Choice = z.object({
  webhooks: z.array(SubscriptionId).min(1, 'Choose a webhook.').max(AT_ONCE, `Choose at most ${AT_ONCE} webhooks.`),
});

/** Sends an event to chosen webhooks: again, or for the first time. */
export function SendEvent({ account, event, onClose }: { account: string; event: Event; onClose: () => void }) {
  const subscriptions = useQuery(allSubscriptionsQuery(account));
  const form = useSchemaForm(Choice, { webhooks: [] });
  const send = useSendEvent(account, event, {
    onStarted: (started) =>
      form.setValue(
        'webhooks',
        form.getValues('webhooks').filter((id) => !started.includes(id)),
      ),
    onDone: onClose,
    onFail: (error) => showRefusal(form, error),
  });
  const error = errorOf(form, 'webhooks');
  return (
    <Dialog title="Send to webhooks" onClose={onClose}>
      <Loaded query={subscriptions} what="webhooks" lines={3}>
        {({ data }) => {
          const able = data.filter((one) => receives(one, event));
          if (able.length === 0) return <p>No active or paused webhook subscribes to {event.event}.</p>;
          return (
            <form
              className="stack"
              onSubmit={(submitted) => void form.handleSubmit(({ webhooks }) => send.mutate(webhooks))(submitted)}
              noValidate
            >
              <fieldset className="field">
                <legend className="label">Which webhooks?</legend>
                {able.map(({ id, url }) => (
                  <label key={id} className="choice">
                    <input type="checkbox" value={id} {...form.register('webhooks')} />
                    <span>
                      <Url url={url} /> <span className="muted small">{stateOf(event, id)}</span>
                    </span>
                  </label>
                ))}
                {error !== undefined && (
                  <p className="error" role="alert">
                    {error}
                  </p>
                )}
              </fieldset>
              <FormError form={form} />
              <div className="row">
                <Button type="submit" look="primary" isPending={send.isPending}>
                  Send
                </Button>
                <Button onClick={onClose}>Cancel</Button>
              </div>
            </form>
          );
        }}
      </Loaded>
    </Dialog>
  );
}

const PENDING = ['pending', 'held'];

const deliveryTo = ({ deliveries }: Event, subscription: string) =>
  deliveries.find(({ subscriptionId }) => subscriptionId === subscription);

/** Whether the event can be sent to this webhook and, as far as it is known here, is not queued for it yet. */
function receives({ id, status, events }: Subscription, event: Event): boolean {
  const delivery = deliveryTo(event, id);
  if (status !== 'active' && status !== 'paused') return false;
  if (delivery) return !PENDING.includes(delivery.status);
  return events.length === 0 || events.some((one) => one === event.event || one === `${event.event.split(':')[0]}:*`);
}

function stateOf(event: Event, subscription: string): string {
  const delivery = deliveryTo(event, subscription);
  if (delivery === undefined) return isComplete(event) ? 'Not sent yet' : '';
  return delivery.status === 'succeeded' ? 'Delivered; it will be sent again' : 'Failed or canceled';
}

/** Whether the event has all its deliveries. It has at most the oldest hundred. */
const isComplete = ({ deliveries, deliveryCounts }: Event): boolean =>
  deliveries.length === Object.values(deliveryCounts).reduce((sum, count) => sum + count, 0);

/** Sends an event to the chosen webhooks: again where a delivery of it exists, otherwise for the first time. Returns how many will get it. */
function useSendEvent(
  account: string,
  event: Event,
  {
    onStarted,
    onDone,
    onFail,
  }: {
    /** The event is queued for these. If the rest fails, a repetition must not send it to them twice. */
    onStarted: (webhooks: string[]) => void;
    onDone: () => void;
    onFail: (error: Error) => void;
  },
) {
  const queryClient = useQueryClient();
  const toast = useToast();
  return useMutation<number, Error, string[]>({
    async mutationFn(chosen) {
      const known = new Set((await readDeliveriesTo(account, event.id, chosen)).map((one) => one.subscriptionId));
      const again = { which: 'failed', statuses: ['failed', 'canceled', 'succeeded'] };
      let count = 0;
      for (const [subscriptions, filter] of [
        [chosen.filter((id) => known.has(id)), again],
        [chosen.filter((id) => !known.has(id)), { which: 'missed' }],
      ] as const) {
        if (subscriptions.length === 0) continue;
        const body = { event: event.id, subscriptions, ...filter };
        count += (await call<Replay>('POST', replaysPath(account), body)).matched;
        onStarted(subscriptions);
      }
      return count;
    },
    onSuccess(count, chosen) {
      const all = chosen.length === 1 ? '1 webhook' : `${chosen.length} webhooks`;
      toast(
        count === 0
          ? 'Nothing was sent: the event is already queued for the chosen webhooks, or they do not subscribe to it.'
          : `Event queued for ${count < chosen.length ? `${count} of ` : ''}${all}.`,
      );
      onDone();
    },
    onError: onFail,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['accounts', account] }),
  });
}
