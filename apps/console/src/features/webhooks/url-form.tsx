import { CreateSubscription, type Subscription } from '@posthorn/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { errorOf, FormError, showRefusal, trimmed, useSchemaForm } from '../../components/form.js';
import { subscriptionQuery } from './queries.js';
import { VerificationResult } from './verification-result.js';
import './url-form.css';

/** What the console can check without the server. */
const WebhookUrl = z.object({
  url: trimmed(CreateSubscription.shape.url)
    .refine((url) => /^https?:\/\//i.test(url), {
      error: 'Start the URL with https:// (or http://, if the operator allows it).',
      abort: true,
    })
    .refine((url) => URL.canParse(url), 'This URL is not valid. Example: https://myawesomeapp.com/api/webhook'),
});

/** Saves the URL and shows its verification: idle → saving → checking → verified or failed. Any edit returns to idle. */
export function UrlForm({
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
  const form = useSchemaForm(WebhookUrl, { url: '' });
  const queryClient = useQueryClient();
  const path = `${accountPath(account)}/subscriptions`;
  const [savedUrl, setSavedUrl] = useState<string | null>(null);
  const isEdited = form.watch('url').trim() !== savedUrl;
  const save = useMutation({
    mutationFn: ({ url }: { url: string }) =>
      made === null
        ? call<Subscription>('POST', path, { url })
        : isEdited
          ? call<Subscription>('PATCH', `${path}/${made.id}`, { url })
          : call<Subscription>('POST', `${path}/${made.id}/verify`),
    onSuccess(saved, { url }) {
      setSavedUrl(url);
      queryClient.setQueryData(subscriptionQuery(account, saved.id).queryKey, saved);
      onMade(saved);
      void queryClient.invalidateQueries({ queryKey: ['accounts', account, 'subscriptions'] });
    },
    onError: (error) => showRefusal(form, error),
  });
  const submit = form.handleSubmit((values) => {
    if (!save.isPending) save.mutate(values);
  });
  const url = form.register('url', {
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
        {...url}
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
