import type { Subscription, TestSent } from '@posthorn/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAct } from '../../api/act.js';
import { ApiProblem, call } from '../../api/call.js';
import { accountPath } from '../../api/account-path.js';
import { deliveryQuery } from '../deliveries/queries.js';
import { subscriptionQuery } from './queries.js';
import { useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { useSay } from '../../components/toasts.js';
import { AttemptResult } from '../deliveries/attempt-result.js';
import { EventPicker } from './event-picker.js';
import { SecretBox } from './secret-box.js';
import { VerificationResult } from './verification-result.js';
import './add-webhook.css';

/** The modal of the Integrations page, one screen with sections: URL → verification → events → secret → a test. Saving makes
 *  the webhook, and its verification is followed here. */
export function AddWebhook({ account, onClose }: { account: string; onClose: () => void }) {
  const [id, setId] = useState<string | null>(null);
  const say = useSay();
  const made = useQuery({ ...subscriptionQuery(account, id ?? ''), enabled: id !== null });
  const isVerified = made.data !== undefined && made.data.status !== 'unverified';
  function close(): void {
    if (made.data?.status === 'unverified') say('Saved, but it gets no events until it is verified.');
    onClose();
  }
  return (
    <Dialog
      title="Add webhook URL"
      onClose={close}
      foot={
        id !== null && (
          <Button look={isVerified ? 'primary' : undefined} onClick={close}>
            {isVerified ? 'Done' : 'Close'}
          </Button>
        )
      }
    >
      <p className="muted">
        You can subscribe to be notified of events, such as a new message, at a URL of your choice.
      </p>
      <UrlForm account={account} made={made.data ?? null} onMade={(one) => setId(one.id)} onCancel={close} />
      {made.data && isVerified && <AfterVerification account={account} subscription={made.data} />}
    </Dialog>
  );
}

/** idle → saving → checking → verified | failed(reason); any edit returns to idle. */
function UrlForm({
  account,
  made,
  onMade,
  onCancel,
}: {
  account: string;
  made: Subscription | null;
  onMade: (subscription: Subscription) => void;
  onCancel: () => void;
}) {
  const [url, setUrl] = useState('');
  const [savedUrl, setSavedUrl] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const queryClient = useQueryClient();
  const path = `${accountPath(account)}/subscriptions`;
  const isEdited = url.trim() !== savedUrl;

  async function save(): Promise<void> {
    if (isSaving) return;
    const problem = checkSyntax(url);
    setError(problem);
    if (problem !== null) return;
    setIsSaving(true);
    try {
      const saved =
        made === null
          ? await call<Subscription>('POST', path, { url: url.trim() })
          : isEdited
            ? await call<Subscription>('PATCH', `${path}/${made.id}`, { url: url.trim() })
            : await call<Subscription>('POST', `${path}/${made.id}/verify`);
      setSavedUrl(url.trim());
      queryClient.setQueryData(subscriptionQuery(account, saved.id).queryKey, saved);
      onMade(saved);
      void queryClient.invalidateQueries({ queryKey: ['accounts', account, 'subscriptions'] });
    } catch (failure) {
      setError(
        failure instanceof ApiProblem ? (failure.fields.get('url') ?? failure.message) : 'Something went wrong here.',
      );
    } finally {
      setIsSaving(false);
    }
  }

  const status = made === null || isEdited ? null : made.verification.status;
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void save();
      }}
    >
      <Field
        label="Webhook URL"
        type="url"
        placeholder="https://myawesomeapp.com/api/webhook"
        autoComplete="off"
        value={url}
        error={error}
        state={
          isSaving || status === 'pending' ? (
            <span className="muted">Verifying…</span>
          ) : (
            status === 'verified' && <span className="verified">Verified!</span>
          )
        }
        help={
          <>
            When you save, we’ll send a POST request to it with a random string as <code>payload</code> and{' '}
            <code>webhook:verify</code> as <code>event</code>. Answer 200 with that string as the body. For a server on
            your own machine, use a tunnel.
          </>
        }
        onChange={(event) => {
          setUrl(event.target.value);
          setError(null);
        }}
        onBlur={() => url !== '' && setError(checkSyntax(url))}
      />
      {status !== null && made && <VerificationResult subscription={made} onRetry={() => void save()} />}
      {status !== 'verified' && status !== 'pending' && (
        <div className="row">
          <Button type="submit" look="primary" isPending={isSaving}>
            Save
          </Button>
          {made === null && <Button onClick={onCancel}>Cancel</Button>}
        </div>
      )}
    </form>
  );
}

/** What can be told without asking anybody; the server knows the rest. */
function checkSyntax(url: string): string | null {
  const trimmed = url.trim();
  if (trimmed === '') return 'Enter the URL that events should go to.';
  if (!/^https?:\/\//i.test(trimmed)) return 'Begin it with https:// (or http://, where the operator allows that).';
  return URL.canParse(trimmed) ? null : 'This is no valid URL. It looks like https://myawesomeapp.com/api/webhook';
}

function AfterVerification({ account, subscription }: { account: string; subscription: Subscription }) {
  const may = useMay();
  const [events, setEvents] = useState(subscription.events);
  const path = `${accountPath(account)}/subscriptions/${subscription.id}`;
  const change = useAct<Subscription, object>({
    method: 'PATCH',
    path,
    touches: ['accounts', account, 'subscriptions'],
  });
  const test = useAct<TestSent, object>({ path: `${path}/test`, touches: ['accounts', account, 'deliveries'] });
  const delivery = useQuery({
    ...deliveryQuery(account, test.data?.deliveryId ?? ''),
    enabled: test.data !== undefined,
  });
  const attempt = delivery.data?.attempts.at(-1);
  return (
    <>
      <EventPicker
        value={events}
        onChange={(next) => {
          setEvents(next);
          change.mutate({ events: next });
        }}
      />
      {may('secrets:read') && <SecretBox account={account} id={subscription.id} />}
      <section className="stack close" aria-labelledby="test-title">
        <h3 id="test-title">Send a test</h3>
        <div className="row">
          <Button
            onClick={() => test.mutate({})}
            isPending={test.isPending || (test.data !== undefined && attempt === undefined)}
          >
            Send test
          </Button>
          {test.data && (
            <Link to="/accounts/$account/deliveries/$delivery" params={{ account, delivery: test.data.deliveryId }}>
              See the delivery
            </Link>
          )}
        </div>
        {attempt && <AttemptResult attempt={attempt} />}
      </section>
    </>
  );
}
