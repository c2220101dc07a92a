import { type Attention, attentionWords } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { attentionQuery } from '../../queries/operate.js';
import { Button } from '../../components/button.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { pagingOf } from '../../components/paging.js';
import { Pill } from '../../components/pill.js';
import { Empty } from '../../components/states.js';
import { ACTIONS, Table, tight } from '../../components/table.js';
import { Time } from '../../components/time.js';
import { useToast } from '../../components/toasts.js';
import { SubscriptionLink } from '../../components/subscription-link.js';

/** Maximum number of webhooks on the overview. */
const FIRST = 20;
export const newestAttention = attentionQuery({ limit: FIRST });
const PAGE = 50;

const route = getRouteApi('/attention');

/** The webhooks of all accounts that need attention. */
export function AttentionScreen() {
  useTitle('Needs attention');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const attention = useQuery(attentionQuery({ cursor: search.cursor, limit: PAGE }));
  return (
    <>
      <PageHead
        title="Needs attention"
        note="Webhooks that are failing, disabled by Posthorn, not verified, or have overdue deliveries."
      />
      <List
        query={attention}
        what="webhooks that need attention"
        paging={pagingOf(search, (next) => void navigate({ search: next }))}
        empty={<Empty title="No webhook needs attention" />}
      >
        {(rows) => <AttentionTable rows={rows} />}
      </List>
    </>
  );
}

/** The newest webhooks that need attention. Renders nothing if none does. */
export function AttentionPanel() {
  const { data } = useQuery(newestAttention);
  if (!data || data.data.length === 0) return null;
  return (
    <section className="stack close" aria-labelledby="attention">
      <div className="row spread">
        <h2 id="attention">Needs attention</h2>
        {data.nextCursor !== null && <Link to="/attention">View all</Link>}
      </div>
      <AttentionTable rows={data.data} />
    </section>
  );
}

const AttentionTable = ({ rows }: { rows: Attention[] }) => (
  <Table
    caption="Webhooks that need attention, newest problem first"
    columns={['Webhook', 'Problem', 'What to do', tight('Since'), ACTIONS]}
  >
    {rows.map((row) => (
      <Row key={row.subscriptionId} of={row} />
    ))}
  </Table>
);

function Row({ of }: { of: Attention }) {
  const { accountId, subscriptionId, url, since } = of;
  const { label, tone, text } = attentionWords(of);
  return (
    <tr>
      <td>
        <SubscriptionLink account={accountId} id={subscriptionId} url={url} />
        <div className="small muted mono">{accountId}</div>
      </td>
      <td>
        <Pill tone={tone}>{label}</Pill>
      </td>
      <td className="small">{text}</td>
      <td className="tight" data-label="Since">
        <Time at={since} />
      </td>
      <td className="tight">
        <Action of={of} />
      </td>
    </tr>
  );
}

/** The action that fixes the problem, or a link to it. */
function Action({ of: { accountId, subscriptionId, reason, detail } }: { of: Attention }) {
  const toast = useToast();
  const path = `${accountPath(accountId)}/subscriptions/${subscriptionId}`;
  const params = { account: accountId, subscription: subscriptionId };
  const touches = ['attention'];
  const verify = useAction({ path: `${path}/verify`, touches, onDone: () => toast('Verification started.') });
  const enable = useAction({ path: `${path}/resume`, touches, onDone: () => toast('Webhook enabled.') });
  switch (reason) {
    case 'unverified':
      return (
        <Button size="tiny" isPending={verify.isPending} onClick={() => verify.mutate(undefined)}>
          Verify again
        </Button>
      );
    case 'disabled':
      return detail === 'gone' ? (
        <Button size="tiny" isPending={enable.isPending} onClick={() => enable.mutate(undefined)}>
          Enable
        </Button>
      ) : (
        <Link className="button tiny" to="/accounts/$account/subscriptions/$subscription/test" params={params}>
          Send test
        </Link>
      );
    case 'failing':
      return (
        <Link className="button tiny" to="/accounts/$account/subscriptions/$subscription/deliveries" params={params}>
          View deliveries
        </Link>
      );
    case 'overdue':
      return (
        <Link className="button tiny" to="/queues">
          View queues
        </Link>
      );
    default:
      return reason satisfies never;
  }
}
