import { AccountId, PutAccount } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { blankAsAbsent, fieldOf, FormError, showRefusal, trimmed, useSchemaForm } from '../../components/form.js';

const NewAccount = z.object({ id: trimmed(AccountId), name: blankAsAbsent(PutAccount.shape.name) });

export function AddAccount({ onClose }: { onClose: () => void }) {
  const form = useSchemaForm(NewAccount, { id: '', name: '' });
  const navigate = useNavigate();
  const put = useAction<unknown, z.output<typeof NewAccount>>({
    method: 'PUT',
    path: ({ id }) => accountPath(id),
    body: ({ name }) => ({ name }),
    touches: ['accounts'],
    onDone: (_, { id }) => void navigate({ to: '/accounts/$account/integrations', params: { account: id } }),
    onFail: (error) => showRefusal(form, error),
  });
  return (
    <Dialog title="Add account" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => void form.handleSubmit((values) => put.mutate(values))(event)}
        noValidate
      >
        <Field
          label="ID"
          help="Your own ID for this customer: 1 to 64 letters, digits, _ or -."
          autoComplete="off"
          {...fieldOf(form, 'id')}
        />
        <Field label="Name (optional)" {...fieldOf(form, 'name')} />
        <FormError form={form} />
        <div className="row">
          <Button type="submit" look="primary" isPending={put.isPending}>
            Add account
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
