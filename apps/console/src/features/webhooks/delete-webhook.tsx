import type { Subscription } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import * as z from 'zod';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { fieldOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';
import { useToast } from '../../components/toasts.js';

export function DeleteWebhook({
  account,
  subscription: { id, url },
  onClose,
}: {
  account: string;
  subscription: Subscription;
  onClose: () => void;
}) {
  const { host } = new URL(url);
  const schema = useMemo(
    () =>
      z.object({
        host: z
          .string()
          .trim()
          .pipe(z.literal(host, `Type ${host} exactly.`)),
      }),
    [host],
  );
  const form = useSchemaForm(schema, { host: '' });
  const toast = useToast();
  const navigate = useNavigate();
  const remove = useAction<undefined>({
    method: 'DELETE',
    path: `${accountPath(account)}/subscriptions/${id}`,
    touches: ['accounts', account, 'subscriptions'],
    onDone() {
      toast('Webhook deleted.');
      onClose();
      void navigate({ to: '/accounts/$account/integrations', params: { account } });
    },
    onFail: (error) => showRefusal(form, error),
  });
  return (
    <Dialog title="Delete webhook" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => void form.handleSubmit(() => remove.mutate(undefined))(event)}
        noValidate
      >
        <p>
          Are you sure you want to delete this webhook? Pending deliveries are canceled; the history stays. To hold
          deliveries temporarily, pause the webhook instead.
        </p>
        <Field label={`Type ${host} to confirm`} autoComplete="off" {...fieldOf(form, 'host')} />
        <FormError form={form} />
        <div className="row">
          <Button type="submit" look="danger" isPending={remove.isPending}>
            Delete webhook
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
