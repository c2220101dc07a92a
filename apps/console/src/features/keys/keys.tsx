import { type Key, SCOPES } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { CreateKeyDialog } from './create-key-dialog.js';
import { keysQuery } from '../../queries/keys.js';
import { useAccount, useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { pagingOf } from '../../components/paging.js';
import { Empty } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { useToast } from '../../components/toasts.js';
import { ACTIONS, Table, tight } from '../../components/table.js';

const route = getRouteApi('/accounts/$account/keys');

/** The API keys of an account. */
export function Keys() {
  const account = useAccount();
  const isOperator = useSession().kind === 'operator';
  useTitle('API keys', account);
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const keys = useQuery(keysQuery(account, search.cursor));
  const [isAdding, setIsAdding] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const add = (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      Create key
    </Button>
  );
  return (
    <>
      <PageHead title="API keys" note="Each key works for this account only." action={add} />
      <List
        query={keys}
        what="keys"
        paging={pagingOf(search, (next) => void navigate({ search: next }))}
        empty={<Empty title="No keys yet">A key is limited to its scopes and to this account.</Empty>}
      >
        {(rows) => (
          <Table
            caption="Keys, newest first"
            columns={['Name', 'Scopes', tight('Last used'), tight('Created'), ACTIONS]}
          >
            {rows.map((key) => (
              <tr key={key.id}>
                <td>
                  <bdi className="words">{key.name}</bdi>
                </td>
                <td className="small" data-label="Scopes">
                  {SCOPES.every((scope) => key.scopes.includes(scope)) ? 'All' : key.scopes.join(', ')}
                </td>
                <td className="tight" data-label="Last used">
                  <Time at={key.lastUsedAt} />
                </td>
                <td className="tight" data-label="Created">
                  <Time at={key.createdAt} />
                </td>
                <td className="tight">
                  <div className="row unbroken">
                    {isOperator && (
                      <Link className="button tiny" to="/audit" search={{ actorId: key.id }}>
                        Audit log
                      </Link>
                    )}
                    <Button size="tiny" onClick={() => setRevoking(key)}>
                      Revoke…
                    </Button>
                  </div>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </List>
      {isAdding && <CreateKeyDialog account={account} onClose={() => setIsAdding(false)} />}
      {revoking && <RevokeKey account={account} of={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function RevokeKey({ account, of: { id, name }, onClose }: { account: string; of: Key; onClose: () => void }) {
  const toast = useToast();
  const revoke = useAction<undefined>({
    method: 'DELETE',
    path: `${accountPath(account)}/keys/${id}`,
    touches: ['accounts', account, 'keys'],
    onDone() {
      toast('Key revoked.');
      onClose();
    },
  });
  return (
    <Dialog
      title="Revoke key"
      onClose={onClose}
      foot={
        <>
          <Button look="danger" isPending={revoke.isPending} onClick={() => revoke.mutate(undefined)}>
            Revoke key
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <p>
        Requests with <strong>{name}</strong> will be refused immediately. This cannot be undone.
      </p>
    </Dialog>
  );
}
