import { MOST_COUNTED, type Queues } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { countUpTo, whole } from '../../components/number.js';
import { Table, tight } from '../../components/table.js';
import { age } from '../../components/time.js';
import { queuesQuery } from '../../queries/operate.js';
import '../../components/cards.css';

/** The waiting deliveries of all accounts, and the accounts whose deliveries have been due longest. Empty while nothing waits. */
export function WaitingPanel() {
  const { data } = useQuery(queuesQuery);
  if (!data) return null;
  const { deliveries, circuits, mostBehind } = data;
  if (deliveries.deferred + deliveries.scheduled + deliveries.held === 0) return null;
  const openCircuits = circuits.open + circuits.halfOpen;
  return (
    <section className="stack close" aria-labelledby="waiting">
      <div className="row spread">
        <h2 id="waiting">Waiting</h2>
        <Link to="/queues">See the queues</Link>
      </div>
      <div className="cards">
        <Card name="Due now" of={deliveries.deferred} note={oldestOf(mostBehind[0])} />
        <Card
          name="For failing webhooks"
          of={deliveries.deferredByCircuit}
          note={`${whole.format(openCircuits)} open ${openCircuits === 1 ? 'circuit' : 'circuits'}`}
        />
        <Card name="Due later" of={deliveries.scheduled} note="wait for their next attempt" />
        <Card name="Held" of={deliveries.held} note="for paused or disabled webhooks" />
      </div>
      {mostBehind.length > 0 && <BehindTable rows={mostBehind} />}
    </section>
  );
}

const oldestOf = (first: Queues['mostBehind'][number] | undefined): string =>
  first === undefined ? 'none longer than 10 s' : `oldest ${age(first.oldestDueSeconds)}`;

function Card({ name, of, note }: { name: string; of: number; note: string }) {
  return (
    <div className="panel card">
      <p className="muted small">{name}</p>
      <p className="stat">
        <span className="number">{whole.format(of)}</span>
      </p>
      <p className="muted small">{of >= MOST_COUNTED ? `or more, ${note}` : note}</p>
    </div>
  );
}

const BehindTable = ({ rows }: { rows: Queues['mostBehind'] }) => (
  <Table caption="Accounts most behind" columns={['Account most behind', tight('Waiting'), tight('Oldest due')]}>
    {rows.map(({ accountId, deferred, oldestDueSeconds }) => (
      <tr key={accountId}>
        <td>
          <Link
            className="rowlink mono"
            to="/accounts/$account/deliveries"
            params={{ account: accountId }}
            search={{ status: 'pending' }}
          >
            {accountId}
          </Link>
        </td>
        <td className="tight" data-label="Waiting">
          {countUpTo(deferred, MOST_COUNTED)}
        </td>
        <td className="tight" data-label="Oldest due">
          {age(oldestDueSeconds)} ago
        </td>
      </tr>
    ))}
  </Table>
);
