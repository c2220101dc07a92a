import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAct } from '../data/act.js';
import { accountPath, accountsQuery } from '../data/queries.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Field } from '../ui/field.js';
import { PageHead, Pager, useTitle } from '../ui/page.js';
import { Empty, Loaded } from '../ui/states.js';
import { Time } from '../ui/time.js';
import { Table, tight } from '../ui/table.js';

export function Accounts() {
  useTitle('Accounts');
  const { cursor } = useSearch({ strict: false });
  const navigate = useNavigate();
  const accounts = useQuery(accountsQuery(cursor));
  const [isAdding, setIsAdding] = useState(false);
  const add = (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      Add account
    </Button>
  );
  return (
    <>
      <PageHead title="Accounts" note="One for each customer of your app." act={add} />
      <Loaded query={accounts} what="accounts">
        {({ data, nextCursor }) =>
          data.length === 0 && cursor === undefined ? (
            <Empty title="No accounts yet" act={add}>
              Your app makes them over the API, one for each of its customers; you can also add one here.
            </Empty>
          ) : (
            <>
              <Table
                caption="Accounts, newest first"
                columns={['Id', 'Name', 'Webhooks', 'Delivered 24 h', 'Failed 24 h', tight('Created')]}
              >
                {data.map(({ id, name, createdAt, stats }) => (
                  <tr key={id}>
                    <td>
                      <Link className="mono" to="/accounts/$account/integrations" params={{ account: id }}>
                        {id}
                      </Link>
                    </td>
                    <td>
                      <bdi>{name ?? '—'}</bdi>
                    </td>
                    <td className="number" data-label="Webhooks">
                      {stats?.subscriptions ?? '—'}
                    </td>
                    <td className="number" data-label="Delivered 24 h">
                      {stats?.deliveries.succeeded ?? '—'}
                    </td>
                    <td className="number" data-label="Failed 24 h">
                      {stats?.deliveries.failed ?? '—'}
                    </td>
                    <td className="tight" data-label="Created">
                      <Time at={createdAt} />
                    </td>
                  </tr>
                ))}
              </Table>
              <Pager
                cursor={cursor}
                nextCursor={nextCursor}
                onGo={(next) => void navigate({ to: '/accounts', search: next === undefined ? {} : { cursor: next } })}
              />
            </>
          )
        }
      </Loaded>
      {isAdding && <AddAccount onClose={() => setIsAdding(false)} />}
    </>
  );
}

function AddAccount({ onClose }: { onClose: () => void }) {
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const navigate = useNavigate();
  const put = useAct<unknown, object>({
    method: 'PUT',
    path: accountPath(id.trim()),
    touches: ['accounts'],
    isQuiet: true,
    onDone: () => void navigate({ to: '/accounts/$account/integrations', params: { account: id.trim() } }),
  });
  const isId = /^[A-Za-z0-9_-]{1,64}$/.test(id.trim());
  const [isAsked, setIsAsked] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsAsked(true);
    if (isId) put.mutate(name.trim() === '' ? {} : { name: name.trim() });
  };
  return (
    <Dialog title="Add account" onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <Field
          label="Id"
          value={id}
          autoFocus
          onChange={(event) => setId(event.target.value)}
          help="Your own name for it: letters, digits, _ and -, at most 64."
          error={isAsked && !isId ? 'Use 1 to 64 letters, digits, _ or -.' : put.error?.message}
        />
        <Field label="Name (optional)" value={name} onChange={(event) => setName(event.target.value)} />
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
