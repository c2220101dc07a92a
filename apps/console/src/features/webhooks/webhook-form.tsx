import type { ChangedSubscription, Subscription } from '@posthorn/contract';
import { TriangleAlert } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { useAct } from '../../api/act.js';
import { ApiProblem } from '../../api/call.js';
import { accountPath } from '../../api/account-path.js';
import { Banner } from '../../components/banner.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { useSay } from '../../components/toasts.js';
import { EventPicker } from './event-picker.js';
import { faultsOf, type HeaderRow, HeaderRows, headersOf, rowsOf } from './header-rows.js';

/** What can be set of a webhook, but for its secret and its state. What is wrong stands beside the field it is wrong with. */
export function WebhookForm({ account, subscription }: { account: string; subscription: Subscription }) {
  const say = useSay();
  const [url, setUrl] = useState(subscription.pendingUrl ?? subscription.url);
  const [events, setEvents] = useState(subscription.events);
  const [description, setDescription] = useState(subscription.description ?? '');
  const [rate, setRate] = useState(subscription.rateLimit?.toString() ?? '');
  const [isStrict, setIsStrict] = useState(subscription.ordering === 'strict');
  // null: as they are stored.
  const [changedRows, setChangedRows] = useState<HeaderRow[] | null>(null);
  const [storedRows, setStoredRows] = useState(() => rowsOf(subscription.pendingHeaders ?? subscription.headers));
  const rows = changedRows ?? storedRows;
  const urlBefore = subscription.pendingUrl ?? subscription.url;
  // Stored values go only to the origin that they were entered for.
  const dropsStored = isOtherOrigin(url, urlBefore);
  const dropped = dropsStored ? rows.filter(({ value }) => value === null) : [];
  const headersAt = useRef<HTMLDivElement>(null);
  const [faults, setFaults] = useState<ReadonlyMap<number | 'rate', string>>(new Map());
  const change = useAct<ChangedSubscription, object>({
    method: 'PATCH',
    path: `${accountPath(account)}/subscriptions/${subscription.id}`,
    touches: ['accounts', account, 'subscriptions'],
    isQuiet: true,
    onDone({ pendingUrl, headers, pendingHeaders, headersDropped }) {
      setChangedRows(null);
      setStoredRows(rowsOf(pendingHeaders ?? headers));
      const saved =
        pendingUrl === null
          ? 'Saved.'
          : 'Saved. The new URL is being verified; until it has passed, the old one receives.';
      say(headersDropped.length === 0 ? saved : `${saved} Dropped headers: ${headersDropped.join(', ')}.`);
    },
  });
  const problems = change.error instanceof ApiProblem ? [...change.error.fields] : [];
  const errorOf = (name: string) => problems.find(([path]) => path === name)?.[1];
  const eventsError = problems.find(([path]) => path.startsWith('events'))?.[1];
  const headersError = errorOf('headers');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = new Map<number | 'rate', string>(faultsOf(rows));
    if (!/^\d*$/.test(rate.trim())) found.set('rate', 'Enter a whole number of attempts per second, or nothing.');
    setFaults(found);
    change.reset();
    if (found.size > 0) return;
    change.mutate({
      ...(url.trim() !== urlBefore && { url: url.trim() }),
      events,
      description: description.trim() === '' ? null : description.trim(),
      ...(changedRows && { headers: headersOf(changedRows.filter((row) => !dropped.includes(row))) }),
      rateLimit: rate.trim() === '' ? null : Number(rate),
      ordering: isStrict ? 'strict' : 'none',
    });
  };
  return (
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
      {eventsError && (
        <p className="error" role="alert">
          {eventsError}
        </p>
      )}
      <div className="stack" ref={headersAt}>
        {dropped.length > 0 && (
          <Banner
            tone="warning"
            icon={TriangleAlert}
            act={<Button onClick={() => focusFirstDropped(headersAt.current)}>Enter values</Button>}
          >
            Saving drops these headers for the new URL: {dropped.map(({ name }) => name).join(', ')}. Their stored
            values are sent only to <span className="mono">{new URL(urlBefore).origin}</span>. To keep a header, enter
            its value again.
          </Banner>
        )}
        <HeaderRows
          rows={rows}
          dropsStored={dropsStored}
          onChange={setChangedRows}
          errorOf={({ id, name }) =>
            faults.get(id) ?? (name.trim() === '' ? undefined : errorOf(`headers.${name.trim()}`))
          }
        />
      </div>
      {headersError && (
        <p className="error" role="alert">
          {headersError}
        </p>
      )}
      <Field
        label="Rate limit (attempts per second, optional)"
        inputMode="numeric"
        value={rate}
        error={faults.get('rate') ?? errorOf('rateLimit')}
        help="Over all workers. Empty: as fast as it answers."
        onChange={({ target }) => setRate(target.value)}
      />
      <label className="choice">
        <input type="checkbox" checked={isStrict} onChange={({ target }) => setIsStrict(target.checked)} />
        <span>
          Keep strict order{' '}
          <span className="muted small">one delivery at a time; one that fails holds up all later ones</span>
        </span>
      </label>
      {change.error && problems.length === 0 && (
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
  );
}

/** false while the text is no URL yet. A dot behind the host is no other origin, as the API reads it. */
function isOtherOrigin(text: string, stored: string): boolean {
  const origin = originOf(text.trim());
  return origin !== null && origin !== originOf(stored);
}

function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port } = new URL(text);
  return `${protocol}//${hostname.replace(/\.$/, '')}:${port}`;
}

const focusFirstDropped = (within: HTMLElement | null): void =>
  within?.querySelector<HTMLInputElement>('input[data-stored]')?.focus();
