import { CreatePortalSession, DEFAULT_CAPABILITIES, type PortalLink } from '@posthorn/contract';
import * as z from 'zod';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { errorOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';
import { ScopeChoice } from '../../components/scope-choice.js';
import { useToast } from '../../components/toasts.js';

const Portal = z.object({ capabilities: CreatePortalSession.shape.capabilities.unwrap() });

/** Opens the portal of an account with chosen permissions. */
export function OpenPortal({ account, onClose }: { account: string; onClose: () => void }) {
  const form = useSchemaForm(Portal, { capabilities: [...DEFAULT_CAPABILITIES] });
  const toast = useToast();
  const make = useAction<PortalLink, z.output<typeof Portal>>({
    path: `${accountPath(account)}/portal-sessions`,
    touches: ['audit'],
    onDone({ url }) {
      window.open(url, '_blank', 'noopener');
      toast('Portal opened in a new tab.');
      onClose();
    },
    onFail: (error) => showRefusal(form, error),
  });
  return (
    <Dialog title={`Open portal as ${account}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => void form.handleSubmit((values) => make.mutate(values))(event)}
        noValidate
      >
        <p>The portal shows only this account, with the permissions chosen here.</p>
        <ScopeChoice
          label="Permissions"
          chosen={form.watch('capabilities')}
          error={errorOf(form, 'capabilities')}
          onChange={(capabilities) => form.setValue('capabilities', capabilities)}
        />
        <FormError form={form} />
        <div className="row">
          <Button type="submit" look="primary" isPending={make.isPending}>
            Open portal
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
