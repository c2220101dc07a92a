import { ChangeSubscription, type ChangedSubscription, type Subscription } from '@posthorn/contract';
import { TriangleAlert } from 'lucide-react';
import { useRef } from 'react';
import { Controller, type UseFormReturn } from 'react-hook-form';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
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
import { AuthenticationFields } from './authentication-fields.js';
import { authenticationInput, authenticationValues } from './authentication-input.js';
import { EventPicker } from './event-picker.js';
import { rateLimitInput } from './rate-limit-input.js';
import { FilterField, filterInput } from './filter-field.js';
import { RetryFields } from './retry-fields.js';
import { scheduleInput, scheduleText, timeoutInput, timeoutText } from './retry-input.js';
import { headerRows, HeadersField, headersOf, placeOfProblem, rowsOf } from './header-rows.js';

const { url, events, description, certificateAuthorities } = ChangeSubscription.shape;

const Settings = z.object({
  url: trimmed(url.unwrap()),
  events: events.unwrap(),
  description: blankAsNull(description.unwrap()),
  filter: filterInput,
  headers: headerRows,
  authentication: authenticationInput,
  certificateAuthorities: blankAsNull(certificateAuthorities.unwrap()),
  rateLimit: rateLimitInput,
  retrySchedule: scheduleInput,
  timeoutMs: timeoutInput,
  isStrict: z.boolean(),
});

/** The settings of a webhook except its secret and its status. */
export function WebhookForm({ account, subscription }: { account: string; subscription: Subscription }) {
  const urlBefore = subscription.pendingUrl ?? subscription.url;
  const form = useSchemaForm(Settings, {
    url: urlBefore,
    events: subscription.events,
    description: subscription.description ?? '',
    filter: subscription.filter ?? '',
    headers: rowsOf(subscription.pendingHeaders ?? subscription.headers),
    authentication: authenticationValues(storedOf(subscription)),
    certificateAuthorities: subscription.certificateAuthorities ?? '',
    rateLimit: subscription.rateLimit?.toString() ?? '',
    retrySchedule: scheduleText(subscription.retrySchedule),
    timeoutMs: timeoutText(subscription.timeoutMs),
    isStrict: subscription.ordering === 'strict',
  });
  // Stored values are sent only to the origin that they were entered for.
  const dropsStored = isOtherOrigin(form.watch('url'), urlBefore);
  const dropped = dropsStored ? form.watch('headers').filter(({ value }) => value === null) : [];
  const { headers: newHeaders, authentication: newAuthentication } = form.formState.dirtyFields;
  const change = useChange(account, subscription.id, form);
  const submit = form.handleSubmit(({ isStrict, headers, authentication, ...values }) =>
    change.mutate({
      ...values,
      url: values.url === urlBefore ? undefined : values.url,
      headers: newHeaders === undefined ? undefined : headersOf(headers.filter((row) => !dropped.includes(row))),
      authentication: newAuthentication === undefined ? undefined : authentication,
      ordering: isStrict ? 'strict' : 'none',
    }),
  );
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
      <FilterField account={account} form={form} />
      <HeadersField
        form={form}
        dropsStored={dropsStored}
        note={dropped.length > 0 && <DroppedHeaders names={dropped.map(({ name }) => name)} urlBefore={urlBefore} />}
      />
      <AuthenticationFields form={form} stored={storedOf(subscription)} dropsStored={dropsStored} />
      <Field
        label="Rate limit (attempts per second, optional)"
        inputMode="numeric"
        help="Across all workers. Empty: no limit."
        {...fieldOf(form, 'rateLimit')}
      />
      <RetryFields form={form} />
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

/** The authentication of the URL in the form: a pending URL of another origin has its own. */
const storedOf = ({ pendingUrl, authentication, pendingAuthentication }: Subscription) =>
  pendingUrl === null ? authentication : pendingAuthentication;

type SettingsForm = UseFormReturn<z.input<typeof Settings>, unknown, z.output<typeof Settings>>;

/** Saves the settings, and shows what the API refused in the form. */
function useChange(account: string, id: string, form: SettingsForm) {
  const toast = useToast();
  return useAction<ChangedSubscription, ChangeSubscription>({
    method: 'PATCH',
    path: `${accountPath(account)}/subscriptions/${id}`,
    touches: ['accounts', account, 'subscriptions'],
    onDone(changed) {
      const { pendingUrl, headers, pendingHeaders, headersDropped, authenticationDropped } = changed;
      form.resetField('headers', { defaultValue: rowsOf(pendingHeaders ?? headers) });
      form.resetField('authentication', { defaultValue: authenticationValues(storedOf(changed)) });
      const saved =
        pendingUrl === null
          ? 'Saved.'
          : 'Saved. The new URL is being verified. Until then, the old URL keeps receiving events.';
      const dropped = [
        ...(headersDropped.length > 0 ? [`Dropped headers: ${headersDropped.join(', ')}.`] : []),
        ...(authenticationDropped ? ['The new URL has no authentication.'] : []),
      ];
      toast([saved, ...dropped].join(' '));
    },
    onFail: (error) => showRefusal(form, error, (path) => placeOfProblem(path, form.getValues('headers'))),
  });
}

/** Warns that the new URL gets no stored values. The button goes to the first header without a value. */
function DroppedHeaders({ names, urlBefore }: { names: string[]; urlBefore: string }) {
  const at = useRef<HTMLDivElement>(null);
  const enterValues = () => at.current?.closest('form')?.querySelector<HTMLInputElement>('input[data-stored]')?.focus();
  return (
    <div ref={at}>
      <Banner tone="warning" icon={TriangleAlert} action={<Button onClick={enterValues}>Enter values</Button>}>
        Saving drops these headers for the new URL: {names.join(', ')}. Their stored values are sent only to{' '}
        <span className="mono">{new URL(urlBefore).origin}</span>. To keep a header, enter its value again.
      </Banner>
    </div>
  );
}

const Problem = ({ text }: { text: string | undefined }) =>
  text !== undefined && (
    <p className="error" role="alert">
      {text}
    </p>
  );

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
