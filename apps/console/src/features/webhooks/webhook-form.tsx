import { ChangeSubscription, type ChangedSubscription, type Subscription } from '@posthorn/contract';
import { TriangleAlert } from 'lucide-react';
import { useRef, useState } from 'react';
import { Controller } from 'react-hook-form';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../api/action.js';
import { ApiProblem } from '../../api/call.js';
import { Banner } from '../../components/banner.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import {
  blankAsNull,
  errorOf,
  fieldOf,
  FormError,
  showRefusal,
  trimmed,
  useSchemaForm,
} from '../../components/form.js';
import { useToast } from '../../components/toasts.js';
import { EventPicker } from './event-picker.js';
import { rateLimitInput } from './rate-limit-input.js';
import { faultsOf, type HeaderRow, HeaderRows, headersOf, rowsOf } from './header-rows.js';

const { url, events, description } = ChangeSubscription.shape;

const Settings = z.object({
  url: trimmed(url.unwrap()),
  events: events.unwrap(),
  description: blankAsNull(description.unwrap()),
  rateLimit: rateLimitInput,
  isStrict: z.boolean(),
});

/** The settings of a webhook except its secret and its status. */
export function WebhookForm({ account, subscription }: { account: string; subscription: Subscription }) {
  const toast = useToast();
  const urlBefore = subscription.pendingUrl ?? subscription.url;
  const form = useSchemaForm(Settings, {
    url: urlBefore,
    events: subscription.events,
    description: subscription.description ?? '',
    rateLimit: subscription.rateLimit?.toString() ?? '',
    isStrict: subscription.ordering === 'strict',
  });
  // null: unchanged since they were loaded.
  const [changedRows, setChangedRows] = useState<HeaderRow[] | null>(null);
  const [storedRows, setStoredRows] = useState(() => rowsOf(subscription.pendingHeaders ?? subscription.headers));
  const rows = changedRows ?? storedRows;
  // Stored values are sent only to the origin that they were entered for.
  const dropsStored = isOtherOrigin(form.watch('url'), urlBefore);
  const dropped = dropsStored ? rows.filter(({ value }) => value === null) : [];
  const headersAt = useRef<HTMLDivElement>(null);
  const [faults, setFaults] = useState<ReadonlyMap<number, string>>(new Map());
  const change = useAction<ChangedSubscription, ChangeSubscription>({
    method: 'PATCH',
    path: `${accountPath(account)}/subscriptions/${subscription.id}`,
    touches: ['accounts', account, 'subscriptions'],
    onDone({ pendingUrl, headers, pendingHeaders, headersDropped }) {
      setChangedRows(null);
      setStoredRows(rowsOf(pendingHeaders ?? headers));
      const saved =
        pendingUrl === null
          ? 'Saved.'
          : 'Saved. The new URL is being verified. Until then, the old URL keeps receiving events.';
      toast(headersDropped.length === 0 ? saved : `${saved} Dropped headers: ${headersDropped.join(', ')}.`);
    },
    onFail(error) {
      const isOfHeaders = [...fieldsOf(error)].some(([path]) => path.startsWith('headers'));
      if (!isOfHeaders) showRefusal(form, error);
    },
  });
  const refused = fieldsOf(change.error);
  const submit = form.handleSubmit(({ isStrict, ...values }) => {
    const found = faultsOf(rows);
    setFaults(found);
    change.reset();
    if (found.size > 0) return;
    change.mutate({
      ...values,
      url: values.url === urlBefore ? undefined : values.url,
      headers: changedRows ? headersOf(changedRows.filter((row) => !dropped.includes(row))) : undefined,
      ordering: isStrict ? 'strict' : 'none',
    });
  });
  return (
    <form className="panel stack" onSubmit={(event) => void submit(event)} noValidate>
      <h2>Webhook</h2>
      <Field
        label="Webhook URL"
        type="url"
        help="Posthorn verifies a new URL first. Until then, the old URL keeps receiving events."
        {...fieldOf(form, 'url')}
      />
      <Field label="Description (optional)" {...fieldOf(form, 'description')} />
      <Controller
        control={form.control}
        name="events"
        render={({ field: { value, onChange } }) => <EventPicker value={value} onChange={onChange} />}
      />
      <Problem text={errorOf(form, 'events')} />
      <div className="stack" ref={headersAt}>
        {dropped.length > 0 && (
          <Banner
            tone="warning"
            icon={TriangleAlert}
            action={<Button onClick={() => focusFirstDropped(headersAt.current)}>Enter values</Button>}
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
          errorOf={({ id, name }) => faults.get(id) ?? refused.get(`headers.${name.trim()}`)}
        />
      </div>
      <Problem text={refused.get('headers')} />
      <Field
        label="Rate limit (attempts per second, optional)"
        inputMode="numeric"
        help="Across all workers. Empty: no limit."
        {...fieldOf(form, 'rateLimit')}
      />
      <label className="choice">
        <input type="checkbox" {...form.register('isStrict')} />
        <span>
          Keep strict order{' '}
          <span className="muted small">one delivery at a time; a failing delivery blocks all later ones</span>
        </span>
      </label>
      <FormError form={form} />
      <div className="row">
        <Button type="submit" look="primary" isPending={change.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}

const Problem = ({ text }: { text: string | undefined }) =>
  text !== undefined && (
    <p className="error" role="alert">
      {text}
    </p>
  );

const fieldsOf = (error: Error | null): ReadonlyMap<string, string> =>
  error instanceof ApiProblem ? error.fields : new Map();

/** Returns false while the text is not a valid URL. Like the API, ignores a dot after the host. */
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
