import { RotateSecret as Rotate, type Secrets } from '@posthorn/contract';
import * as z from 'zod';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { errorOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';

const OVERLAPS = [
  [86_400, '24 hours'],
  [3_600, '1 hour'],
  [604_800, '7 days'],
  [0, 'Revoke now (it may have leaked)'],
] as const;

// The value of a <select> is a text.
const Form = z.object({ overlapSeconds: z.string().transform(Number).pipe(Rotate.shape.overlapSeconds.unwrap()) });

/** Creates a new secret and asks how long to keep the old one valid. */
export function RotateSecret({
  account,
  id,
  onClose,
  onRotated,
}: {
  account: string;
  id: string;
  onClose: () => void;
  onRotated: (secrets: Secrets) => void;
}) {
  const form = useSchemaForm(Form, { overlapSeconds: String(OVERLAPS[0][0]) });
  const rotate = useAction<Secrets, Rotate>({
    path: `${accountPath(account)}/subscriptions/${id}/secret/rotate`,
    touches: ['accounts', account, 'subscriptions', 'list'],
    onDone: onRotated,
    onFail: (error) => showRefusal(form, error),
  });
  const error = errorOf(form, 'overlapSeconds');
  return (
    <Dialog title="Rotate the signing secret" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => void form.handleSubmit((values) => rotate.mutate(values))(event)}
        noValidate
      >
        <p>
          The new secret signs from the next attempt. Until the old secret expires, both sign each request, so you can
          update your endpoint in the meantime.
        </p>
        <div className="field">
          <label htmlFor="overlap">Keep the old secret valid for</label>
          <select id="overlap" className="input" {...form.register('overlapSeconds')}>
            {OVERLAPS.map(([seconds, label]) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
          {error !== undefined && <p className="error">{error}</p>}
        </div>
        <FormError form={form} />
        <div className="row">
          <Button type="submit" look="primary" isPending={rotate.isPending}>
            Rotate secret
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
