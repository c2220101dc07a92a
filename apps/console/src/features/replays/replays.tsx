import type { Replay } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { type Paging, pagingOf } from '../../components/paging.js';
import { Empty } from '../../components/states.js';
import { Table, tight } from '../../components/table.js';
import { whole } from '../../components/number.js';
import { Time } from '../../components/time.js';
import { useAccount, useMay } from '../session/session.js';
import { deliveredOf } from './progress.js';
import { replaysQuery } from '../../queries/replays.js';
import { REPLAY_WORDS } from '../../components/replay-words.js';
import { ReplayPill } from './replay-pill.js';

const route = getRouteApi('/accounts/$account/replays/');
const operatorsRoute = getRouteApi('/replays/');

/** The replays of an account. */
export function Replays() {
  const account = useAccount();
  const may = useMay()('deliveries:write');
  useTitle('Replays', account);
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const start = may && (
    <Link className="button primary" to="/accounts/$account/replays/new" params={{ account }}>
      Replay deliveries
    </Link>
  );
  return (
    <>
      <PageHead
        title="Replays"
        note="Replays send failed deliveries again, or events that a webhook missed."
        action={start}
      />
      <ReplayList
        account={account}
        search={search}
        paging={pagingOf(search, (next) => void navigate({ search: next }))}
      >
        After a webhook failed or was disabled, replay its failed deliveries and missed events.
      </ReplayList>
    </>
  );
}

/** The replays of all accounts. */
export function AllReplays() {
  useTitle('Replays');
  const search = operatorsRoute.useSearch();
  const navigate = operatorsRoute.useNavigate();
  const start = (
    <Link className="button primary" to="/replays/new">
      Replay deliveries
    </Link>
  );
  return (
    <>
      <PageHead title="Replays" note="Replays for many accounts or for one account." action={start} />
      <ReplayList account={null} search={search} paging={pagingOf(search, (next) => void navigate({ search: next }))}>
        After an outage, replay the failed deliveries of all accounts.
      </ReplayList>
    </>
  );
}

function ReplayList({
  account,
  search,
  paging,
  children,
}: {
  account: string | null;
  search: { cursor?: string | undefined };
  paging: Paging;
  /** What an empty list explains. */
  children: ReactNode;
}) {
  const replays = useQuery(replaysQuery(account, { cursor: search.cursor }));
  const columns = ['Status', ...(account === null ? ['Account'] : []), 'Content', 'Progress', tight('Started')];
  return (
    <List query={replays} what="replays" paging={paging} empty={<Empty title="No replays yet">{children}</Empty>}>
      {(rows) => (
        <Table caption="Replays, newest first" columns={columns}>
          {rows.map((one) => (
            <tr key={one.id}>
              <td>
                <ReplayLink account={account} replay={one} />
              </td>
              {account === null && <td data-label="Account">{accountsOf(one)}</td>}
              <td data-label="Content">{REPLAY_WORDS[one.which]}</td>
              <td className="number" data-label="Progress">
                {deliveredOf(one)}
                {one.failed > 0 && <span className="muted"> · {whole.format(one.failed)} failed</span>}
              </td>
              <td className="tight" data-label="Started">
                <Time at={one.createdAt} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </List>
  );
}

function ReplayLink({ account, replay }: { account: string | null; replay: Replay }) {
  const pill = <ReplayPill of={replay} />;
  if (account === null)
    return (
      <Link to="/replays/$replay" params={{ replay: replay.id }}>
        {pill}
      </Link>
    );
  return (
    <Link to="/accounts/$account/replays/$replay" params={{ account, replay: replay.id }}>
      {pill}
    </Link>
  );
}

const accountsOf = ({ accountId, accounts }: Replay): string => accountId ?? accounts?.join(', ') ?? 'All accounts';
