import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { replaysQuery } from './queries.js';
import { ReplayPill, WHICH } from './replay-pill.js';
import { useAccount } from '../session/session.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { pagingOf } from '../../components/paging.js';
import { Empty } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { Table, tight } from '../../components/table.js';

const route = getRouteApi('/accounts/$account/replays/');

export function Replays() {
  const account = useAccount();
  useTitle('Replays', account);
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const replays = useQuery(replaysQuery(account, { cursor: search.cursor }));
  return (
    <>
      <PageHead title="Replays" note="Replays send failed deliveries again, or events that a webhook missed." />
      <List
        query={replays}
        what="replays"
        paging={pagingOf(search, (next) => void navigate({ search: next }))}
        empty={<Empty title="No replays yet">To replay deliveries, open a webhook and go to its Replay tab.</Empty>}
      >
        {(rows) => (
          <Table caption="Replays, newest first" columns={['Status', 'Content', 'Replayed', tight('Started')]}>
            {rows.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link to="/accounts/$account/replays/$replay" params={{ account, replay: one.id }}>
                    <ReplayPill of={one} />
                  </Link>
                </td>
                <td>{WHICH[one.which]}</td>
                <td className="number" data-label="Replayed">
                  {one.queued} of {one.matched}
                </td>
                <td className="tight" data-label="Started">
                  <Time at={one.createdAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </List>
    </>
  );
}
