import { CreateSubscription, type Subscription } from '@posthorn/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Controller } from 'react-hook-form';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { call } from '../../api/call.js';
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
import { AuthenticationFields } from './authentication-fields.js';
import { authenticationInput, authenticationValues } from './authentication-input.js';
import { EventPicker } from './event-picker.js';
import { headerRows, HeadersField, headersOf, placeOfProblem } from './header-rows.js';
import { subscriptionQuery } from '../../queries/webhooks.js';
import { rateLimitInput } from './rate-limit-input.js';
import { FilterField, filterInput } from './filter-field.js';
import { RetryFields } from './retry-fields.js';
import { scheduleInput, timeoutInput } from './retry-input.js';
import { VerificationResult } from './verification-result.js';
import './new-webhook-form.css';

const { url, events, description, certificateAuthorities } = CreateSubscription.shape;

/** What the console can check without the server. */
const NewWebhook = z.object({
  url: trimmed(url)
    .refine((text) => /^https?:\/\//i.test(text), {
      error: 'Start the URL with https:// (or http://, if the operator allows it).',
      abort: true,
    })
    .refine((text) => URL.canParse(text), 'This URL is not valid. Example: https://myawesomeapp.com/api/webhook'),
  events: events.unwrap(),
  description: blankAsNull(description.unwrap()),
  filter: filterInput,
  headers: headerRows.transform(headersOf),
  authentication: authenticationInput,
  certificateAuthorities: blankAsNull(certificateAuthorities.unwrap()),
  rateLimit: rateLimitInput,
  retrySchedule: scheduleInput,
  timeoutMs: timeoutInput,
});
type NewWebhook = z.output<typeof NewWebhook>;

/** Saves a new webhook with all that is chosen here, and shows its verification: idle → saving → checking → verified or failed. Any edit returns to
 *  idle. The endpoint gets nothing before it is saved, and then only the chosen events. */
export function NewWebhookForm({
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
  const form = useSchemaForm(NewWebhook, {
    url: '',
    events: [],
    description: '',
    filter: '',
    headers: [],
    authentication: authenticationValues(null),
    certificateAuthorities: '',
    rateLimit: '',
    retrySchedule: '',
    timeoutMs: '',
  });
  const queryClient = useQueryClient();
  const path = `${accountPath(account)}/subscriptions`;
  const [saved, setSaved] = useState<string | null>(null);
  const now = JSON.stringify(form.watch());
  const isEdited = now !== saved;
  const save = useMutation({
    mutationFn: (body: NewWebhook) => {
      if (made === null) return call<Subscription>('POST', path, body);
      return isEdited
        ? call<Subscription>('PATCH', `${path}/${made.id}`, body)
        : call<Subscription>('POST', `${path}/${made.id}/verify`);
    },
    onSuccess(subscription) {
      setSaved(now);
      queryClient.setQueryData(subscriptionQuery(account, subscription.id).queryKey, subscription);
      onMade(subscription);
      void queryClient.invalidateQueries({ queryKey: ['accounts', account, 'subscriptions'] });
    },
    onError: (error) => showRefusal(form, error, (field) => placeOfProblem(field, form.getValues('headers'))),
  });
  const submit = form.handleSubmit((values) => {
    if (!save.isPending) save.mutate(values);
  });
  const urlInput = form.register('url', {
    onChange: () => form.clearErrors(),
    onBlur: () => form.getValues('url') !== '' && void form.trigger('url'),
  });
  const status = made === null || isEdited ? null : made.verification.status;
  return (
    <form className="stack" noValidate onSubmit={(event) => void submit(event)}>
      <Field
        label="Webhook URL"
        type="url"
        placeholder="https://myawesomeapp.com/api/webhook"
        autoComplete="off"
        {...urlInput}
        error={errorOf(form, 'url')}
        state={
          save.isPending || status === 'pending' ? (
            <span className="muted">Verifying…</span>
          ) : (
            status === 'verified' && <span className="verified">Verified!</span>
          )
        }
        help={
          <>
            When you save, we send a POST request with <code>webhook:verify</code> as <code>event</code> and a random
            string as <code>payload</code>. Respond with status 200 and that string as the body. For a server on your
            own machine, use a tunnel.
          </>
        }
      />
      <Controller
        control={form.control}
        name="events"
        render={({ field: { value, onChange } }) => <EventPicker value={value} onChange={onChange} />}
      />
      <details>
        <summary>Description, filter, headers, authentication, rate limit and retries</summary>
        <div className="stack detail">
          <Field label="Description (optional)" {...fieldOf(form, 'description')} />
          <FilterField account={account} form={form} />
          <HeadersField form={form} />
          <AuthenticationFields form={form} />
          <Field
            label="Rate limit (attempts per second, optional)"
            inputMode="numeric"
            help="Across all workers. Empty: no limit."
            {...fieldOf(form, 'rateLimit')}
          />
          <RetryFields form={form} />
        </div>
      </details>
      <FormError form={form} />
      {status !== null && made && <VerificationResult subscription={made} onRetry={() => void submit()} />}
      {status !== 'verified' && status !== 'pending' && (
        <div className="row">
          <Button type="submit" look="primary" isPending={save.isPending}>
            Save
          </Button>
          {made === null && <Button onClick={onCancel}>Cancel</Button>}
        </div>
      )}
    </form>
  );
}
