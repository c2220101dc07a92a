import { DEFAULT_CAPABILITIES, type PortalLink, type Scope, SCOPE_WORDS, SCOPES } from '@posthorn/contract';
import { type FormEvent, useState } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
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
  const choose = (scope: Scope, isChosen: boolean) =>
    setChosen(SCOPES.filter((one) => (one === scope ? isChosen : chosen.includes(one))));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen.length > 0) make.mutate({ capabilities: chosen });
  };
  return (
    <Dialog title={`Open portal as ${account}`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>The portal shows only this account, with the permissions chosen here.</p>
        <fieldset className="field">
          <legend className="label">Permissions</legend>
          <div>
            {SCOPES.map((scope) => (
              <label key={scope} className="choice">
                <input
                  type="checkbox"
                  checked={chosen.includes(scope)}
                  onChange={({ target }) => choose(scope, target.checked)}
                />
                <span>{SCOPE_WORDS[scope]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        {chosen.length === 0 && (
          <p className="error" role="alert">
            Choose at least one permission.
          </p>
        )}
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
