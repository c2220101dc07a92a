import type { Secrets, Subscription } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAct } from '../data/act.js';
import { ApiProblem } from '../data/call.js';
import { accountPath, subscriptionQuery } from '../data/queries.js';
import { useAccount, useMay } from '../session.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { useSay } from '../ui/toasts.js';
import { DeleteWebhook } from './delete-webhook.js';
import { EventPicker } from './event-picker.js';
import { SecretBox } from './secret-box.js';
import { useSubscriptionId } from './subscription.js';

export function SubscriptionSettings() {
  const { data } = useQuery(subscriptionQuery(useAccount(), useSubscriptionId()));
  return data ? <Settings key={data.id} subscription={data} /> : null;
}

function Settings({ subscription }: { subscription: Subscription }) {
  const account = useAccount();
  const may = useMay();
  const say = useSay();
  const [isDeleting, setIsDeleting] = useState(false);
  const [isRotating, setIsRotating] = useState(false);
  const [url, setUrl] = useState(subscription.pendingUrl ?? subscription.url);
  const [events, setEvents] = useState(subscription.events);
  const [description, setDescription] = useState(subscription.description ?? '');
  const [rate, setRate] = useState(subscription.rateLimit?.toString() ?? '');
  const change = useAct<Subscription, object>({
    method: 'PATCH',
    path: `${accountPath(account)}/subscriptions/${subscription.id}`,
    touches: ['accounts', account, 'subscriptions'],
    isQuiet: true,
    onDone: ({ pendingUrl }) =>
      say(
        pendingUrl === null
          ? 'Saved.'
          : 'Saved. The new URL is being verified; until it has passed, the old one receives.',
      ),
  });
  const errorOf = (path: string) => (change.error instanceof ApiProblem ? change.error.fields.get(path) : undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({
      ...(url.trim() !== (subscription.pendingUrl ?? subscription.url) && { url: url.trim() }),
      events,
      description: description.trim() === '' ? null : description.trim(),
      rateLimit: rate.trim() === '' ? null : Number(rate),
    });
  };
  return (
    <div className="stack wide">
      <form className="panel stack" onSubmit={submit} noValidate>
        <h2>Webhook</h2>
        <Field
          label="Webhook URL"
          type="url"
          value={url}
          error={errorOf('url')}
          help="A new URL is verified first; until it has passed, the old one keeps receiving."
          onChange={({ target }) => setUrl(target.value)}
        />
        <Field
          label="Description (optional)"
          value={description}
          error={errorOf('description')}
          onChange={({ target }) => setDescription(target.value)}
        />
        <EventPicker value={events} onChange={setEvents} />
        <Field
          label="Rate limit (attempts per second, optional)"
          inputMode="numeric"
          value={rate}
          error={errorOf('rateLimit')}
          help="Over all workers. Empty: as fast as it answers."
          onChange={({ target }) => setRate(target.value)}
        />
        {change.error && !(change.error instanceof ApiProblem && change.error.fields.size > 0) && (
          <p className="error" role="alert">
            {change.error.message}
          </p>
        )}
        <div className="row">
          <Button type="submit" look="primary" isPending={change.isPending}>
            Save
          </Button>
        </div>
      </form>
      {may('secrets:read') && (
        <div className="panel stack">
          <SecretBox account={account} id={subscription.id} />
          <div className="row">
            <Button onClick={() => setIsRotating(true)}>Rotate secret…</Button>
          </div>
        </div>
      )}
      <div className="panel stack">
        <h2>Delete</h2>
        <p className="muted">What it is still owed is canceled; its history stays.</p>
        <div className="row">
          <Button look="danger" onClick={() => setIsDeleting(true)}>
            Delete webhook…
          </Button>
        </div>
      </div>
      {isRotating && <RotateSecret subscription={subscription} onClose={() => setIsRotating(false)} />}
      {isDeleting && (
        <DeleteWebhook account={account} subscription={subscription} onClose={() => setIsDeleting(false)} />
      )}
    </div>
  );
}

const OVERLAPS = [
  [86_400, '24 hours'],
  [3_600, '1 hour'],
  [604_800, '7 days'],
  [0, 'Not at all: it may have leaked'],
] as const;

function RotateSecret({ subscription, onClose }: { subscription: Subscription; onClose: () => void }) {
  const account = useAccount();
  const say = useSay();
  const [overlapSeconds, setOverlapSeconds] = useState(86_400);
  const path = `${accountPath(account)}/subscriptions/${subscription.id}`;
  const rotate = useAct<Secrets, object>({
    path: `${path}/secret/rotate`,
    touches: ['accounts', account, 'subscriptions', subscription.id, 'secret'],
    onDone() {
      say('Rotated: reveal the secret to see both.');
      onClose();
    },
  });
  return (
    <Dialog
      title="Rotate the signing secret"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" isPending={rotate.isPending} onClick={() => rotate.mutate({ overlapSeconds })}>
            Rotate secret
          </Button>
        </>
      }
    >
      <p>
        A new secret signs from the next attempt on. The present one signs beside it for a while, so that receivers can
        change over.
      </p>
      <div className="field">
        <label htmlFor="overlap">The present secret goes on for</label>
        <select
          id="overlap"
          className="input"
          value={overlapSeconds}
          onChange={({ target }) => setOverlapSeconds(Number(target.value))}
        >
          {OVERLAPS.map(([seconds, label]) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </select>
      </div>
    </Dialog>
  );
}
