import { DEFAULT_CAPABILITIES, type PortalLink, type Scope } from '@posthorn/contract';
import { type FormEvent, useState } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { ScopeChoice } from '../../components/scope-choice.js';
import { useSay } from '../../components/toasts.js';

/** Opens the portal of an account with chosen permissions. */
export function OpenPortal({ account, onClose }: { account: string; onClose: () => void }) {
  const [chosen, setChosen] = useState<readonly Scope[]>(DEFAULT_CAPABILITIES);
  const say = useSay();
  const make = useAction<PortalLink, object>({
    path: `${accountPath(account)}/portal-sessions`,
    touches: ['audit'],
    onDone({ url }) {
      window.open(url, '_blank', 'noopener');
      say('Portal opened in a new tab.');
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen.length > 0) make.mutate({ capabilities: chosen });
  };
  return (
    <Dialog title={`Open portal as ${account}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>The portal shows only this account, with the permissions chosen here.</p>
        <ScopeChoice label="Permissions" chosen={chosen} onChange={setChosen} />
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
