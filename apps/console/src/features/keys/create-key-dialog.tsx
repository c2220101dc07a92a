import { type CreatedKey, CreateKey, SCOPES } from '@posthorn/contract';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { Copy } from '../../components/copy.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import { ScopeChoice } from '../../components/scope-choice.js';
import { errorOf, fieldOf, FormError, showRefusal, trimmed, useSchemaForm } from '../../components/form.js';

const NewKey = z.object({ name: trimmed(CreateKey.shape.name), scopes: CreateKey.shape.scopes.unwrap() });

/** Creates a key and shows it once. */
export function CreateKeyDialog({ account, onClose }: { account: string; onClose: () => void }) {
  const form = useSchemaForm(NewKey, { name: '', scopes: [...SCOPES] });
  const create = useAction<CreatedKey, CreateKey>({
    path: `${accountPath(account)}/keys`,
    touches: ['accounts', account, 'keys'],
    onFail: (error) => showRefusal(form, error),
  });
  const made = create.data;
  return (
    <Dialog title={made ? 'Key created' : 'Create key'} onClose={onClose}>
      {made ? (
        <>
          <p>Copy it now; you will not see it again.</p>
          <div className="row">
            <code className="secret">{made.key}</code>
            <Copy text={made.key} what="key" />
          </div>
          <div className="row">
            <Button look="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => void form.handleSubmit((values) => create.mutate(values))(event)}
          noValidate
        >
          <Field label="Name" help="Where the key is used, such as CI." {...fieldOf(form, 'name')} />
          <ScopeChoice
            label="What the key may do"
            chosen={form.watch('scopes')}
            error={errorOf(form, 'scopes')}
            onChange={(scopes) => form.setValue('scopes', scopes)}
          />
          <FormError form={form} />
          <div className="row">
            <Button type="submit" look="primary" isPending={create.isPending}>
              Create key
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
