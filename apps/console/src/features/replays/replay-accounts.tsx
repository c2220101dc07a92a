import type { Replay } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Count } from '../../components/count.js';
import { List } from '../../components/list.js';
import { pagingOf } from '../../components/paging.js';
import { Empty } from '../../components/states.js';
import { Table, tight } from '../../components/table.js';
import { replayAccountsQuery } from '../../queries/replays.js';

const route = getRouteApi('/replays/$replay');

/** The progress of an operator's replay for each account, with links to the deliveries. */
export function ReplayAccounts({ replay: { id, endedAt, pending } }: { replay: Replay }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const isRunning = endedAt === null || pending > 0;
  const accounts = useQuery(replayAccountsQuery(id, { isRunning, cursor: search.cursor }));
  return (
    <section className="stack close" aria-labelledby="accounts">
      <h2 id="accounts">Accounts</h2>
      <List
        query={accounts}
        what="accounts"
        paging={pagingOf(search, (next) => void navigate({ search: next }))}
        empty={<Empty title="Nothing queued yet">Each account appears here when its first delivery is queued.</Empty>}
      >
        {(rows) => (
          <Table
            caption="Progress by account"
            columns={['Account', tight('Queued'), tight('Delivered'), tight('Failed'), tight('Pending')]}
          >
            {rows.map(({ accountId, ...counts }) => (
              <tr key={accountId}>
                <td>
                  <Link
                    className="rowlink mono"
                    to="/accounts/$account/deliveries"
                    params={{ account: accountId }}
                    search={{ replay: id }}
                    title="See the deliveries of this account in the replay"
                  >
                    {accountId}
                  </Link>
                </td>
                {(['queued', 'delivered', 'failed', 'pending'] as const).map((name) => (
                  <td key={name} className="tight" data-label={name.charAt(0).toUpperCase() + name.slice(1)}>
                    <Count of={counts[name]} />
                  </td>
                ))}
              </tr>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}
