import { type Subscription, SubscriptionId } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import * as z from 'zod';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { allSubscriptionsQuery } from '../../queries/webhooks.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { errorOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';
import { Url } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { useToast } from '../../components/toasts.js';

const Choice = z.object({ webhook: z.string('Choose a webhook.').pipe(SubscriptionId) });

/** Subscribes one of the account's webhooks to an event type. */
export function AddToWebhook({ account, type, onClose }: { account: string; type: string; onClose: () => void }) {
  const subscriptions = useQuery(allSubscriptionsQuery(account));
  const form = useSchemaForm(Choice, {});
  const toast = useToast();
  const change = useAction<Subscription, Subscription>({
    method: 'PATCH',
    path: ({ id }) => `${accountPath(account)}/subscriptions/${id}`,
    body: ({ events }) => ({ events: [...events, type] }),
    touches: ['accounts', account, 'subscriptions'],
    onDone() {
      toast(`Webhook subscribed to ${type}.`);
      onClose();
    },
    onFail: (error) => showRefusal(form, error),
  });
  return (
    <Dialog title="Subscribe a webhook" onClose={onClose}>
      <Loaded query={subscriptions} what="webhooks" lines={3}>
        {({ data }) => {
          // An empty list means all event types.
          const others = data.filter(({ events }) => events.length > 0 && !events.includes(type));
          if (others.length === 0)
            return (
              <p>
                Every webhook of this account already subscribes to <code>{type}</code>. To send earlier events, use the
                Replay tab of a webhook.
              </p>
            );
          const error = errorOf(form, 'webhook');
          const submit = form.handleSubmit(({ webhook }) => {
            const chosen = others.find(({ id }) => id === webhook);
            if (chosen) change.mutate(chosen);
          });
          return (
            <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
              <fieldset className="field">
                <legend className="label">
                  Webhook to subscribe to <code>{type}</code>
                </legend>
                {others.map(({ id, url }) => (
                  <label key={id} className="choice">
                    <input type="radio" value={id} {...form.register('webhook')} />
                    <Url url={url} />
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
                <Button type="submit" look="primary" isPending={change.isPending}>
                  Subscribe
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
