import type { Account } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { accountsQuery } from '../../queries/accounts.js';
import { Button } from '../../components/button.js';
import { FilterBar } from '../../components/filter-bar.js';
import { filtersOf } from '../../components/filters.js';
import { List } from '../../components/list.js';
import { percent, whole } from '../../components/number.js';
import { PageHead, useTitle } from '../../components/page.js';
import { searchedPagingOf } from '../../components/paging.js';
import { SortedNote, SortFilter } from '../../components/sort-filter.js';
import { orderName, sortRows } from '../../components/sort.js';
import { Empty } from '../../components/states.js';
import { ACTIONS, Table, tight } from '../../components/table.js';
import { TextFilter } from '../../components/text-filter.js';
import { Time } from '../../components/time.js';
import { WaitingNote } from '../../components/waiting-note.js';
import { AddAccount } from './add-account.js';
import { OpenPortal } from './open-portal.js';

const route = getRouteApi('/accounts/');
type Search = ReturnType<typeof route.useSearch>;

export function Accounts() {
  useTitle('Accounts');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = (next: Search) => void navigate({ search: next });
  const { isSet, set, clear } = filtersOf(search, go);
  const accounts = useQuery(accountsQuery(search));
  const [isAdding, setIsAdding] = useState(false);
  const add = (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      Add account
    </Button>
  );
  return (
    <>
      <PageHead title="Accounts" note="Each customer of your app is an account." action={add} />
      {(isSet || (accounts.data && accounts.data.data.length > 0)) && (
        <FilterBar label="Accounts" onClear={isSet ? clear : undefined}>
          <TextFilter
            label="Search"
            placeholder="ID or name begins with…"
            value={search.q}
            onChange={(q) => set({ q })}
          />
          <SortFilter of={search} onChange={(sort) => set({ sort })} />
        </FilterBar>
      )}
      <List
        query={accounts}
        what="accounts"
        paging={searchedPagingOf(search, go)}
        onClear={isSet ? clear : undefined}
        total={
          accounts.data && (
            <SortedNote of={search} page={accounts.data} what="accounts">
              <Link to="/attention">Failing webhooks of all accounts</Link>
            </SortedNote>
          )
        }
        empty={
          <Empty title="No accounts yet" action={add}>
            Your app creates an account for each customer through the API. You can also add one here.
          </Empty>
        }
      >
        {(rows) => (
          <Table
            caption={`Accounts, ${orderName(search)}`}
            columns={['ID', 'Name', 'Webhooks', 'Deliveries 24 h', 'Success 24 h', tight('Created'), ACTIONS]}
          >
            {sortRows(rows, search).map((account) => (
              <Row key={account.id} account={account} />
            ))}
          </Table>
        )}
      </List>
      {isAdding && <AddAccount onClose={() => setIsAdding(false)} />}
    </>
  );
}

function Row({ account: { id, name, createdAt, stats } }: { account: Account }) {
  const [isOpening, setIsOpening] = useState(false);
  const { succeeded = 0, failed = 0 } = stats?.deliveries ?? {};
  return (
    <tr>
      <td>
        <Link className="mono" to="/accounts/$account/integrations" params={{ account: id }}>
          {id}
        </Link>
      </td>
      <td>
        <bdi>{name ?? '—'}</bdi>
      </td>
      <td className="number" data-label="Webhooks">
        {stats ? whole.format(stats.subscriptions) : '—'}
      </td>
      <td
        className="number"
        data-label="Deliveries 24 h"
        title={`${whole.format(succeeded)} succeeded, ${whole.format(failed)} failed`}
      >
        {whole.format(succeeded + failed)}
        <WaitingNote waiting={stats?.waiting} />
      </td>
      <td className="number" data-label="Success 24 h" title={`${whole.format(stats?.attempts ?? 0)} attempts`}>
        {percent(stats?.successRate ?? null)}
      </td>
      <td className="tight" data-label="Created">
        <Time at={createdAt} />
      </td>
      <td className="tight">
        <Button size="tiny" onClick={() => setIsOpening(true)}>
          Open portal…
        </Button>
        {isOpening && <OpenPortal account={id} onClose={() => setIsOpening(false)} />}
      </td>
    </tr>
  );
}
