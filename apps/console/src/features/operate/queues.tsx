import { MOST_COUNTED, type Queues } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { ExternalLink } from 'lucide-react';
import { DepthPanel } from './depth-panel.js';
import { queueDepthsQuery, queuesQuery } from '../../queries/operate.js';
import { rangeOf } from '../../components/filters.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { Empty, Loaded, Skeleton } from '../../components/states.js';
import { countUpTo, whole } from '../../components/number.js';
import { age, Time } from '../../components/time.js';
import { QueueVerdict } from './queue-verdict.js';
import { Table } from '../../components/table.js';

const seconds = (value: number | null): string =>
  value === null ? '—' : value < 10 ? `${value.toFixed(1)} s` : age(value);

const counted = (count: number): string => countUpTo(count, MOST_COUNTED);

const overdue = ({ overdue: count, oldestOverdueSeconds: oldest }: Queues['deliveries']): string =>
  oldest === null ? counted(count) : `${counted(count)}, oldest ${seconds(oldest)}`;

const route = getRouteApi('/queues');

export function QueuesScreen() {
  useTitle('Queues');
  const queues = useQuery(queuesQuery);
  const navigate = route.useNavigate();
  const { range, bounds, setRange } = rangeOf(
    route.useSearch(),
    (search) => void navigate({ search, resetScroll: false }),
  );
  const depths = useQuery(queueDepthsQuery(bounds));
  const boardUrl = queues.data?.boardUrl ?? null;
  return (
    <>
      <PageHead
        title="Queues"
        note="Waiting jobs and running workers. A job has up to 50 deliveries; Bull Board shows each job."
        action={
          boardUrl !== null && (
            <a className="button" href="./board" target="_blank" rel="noreferrer">
              <ExternalLink className="icon" aria-hidden />
              Open Bull Board
            </a>
          )
        }
      />
      <Loaded query={queues} what="queues">
        {(data) =>
          depths.isPending ? (
            <Skeleton what="queues" />
          ) : (
            <Body of={data} depths={depths} range={range} onRange={setRange} />
          )
        }
      </Loaded>
    </>
  );
}

/** Everything appears together, because a chart that appears later would push the tables down. */
function Body({ of, ...chart }: { of: Queues } & Parameters<typeof DepthPanel>[0]) {
  const { queues: list, deliveries, subscriptions, circuits, workers, lastDispatchAt } = of;
  return (
    <div className="stack wide">
      <QueueVerdict of={of} />
      <DepthPanel {...chart} />
      {list === null ? (
        <Empty title="The queue is not responding">No event is lost; deliveries are delayed.</Empty>
      ) : (
        <Table caption="Queues" columns={['Queue', 'Waiting', 'Active', 'Delayed', 'Failed', 'Oldest waiting']}>
          {list.map((one) => (
            <tr key={one.name}>
              <td className="mono">{one.name}</td>
              <td data-label="Waiting">{whole.format(one.waiting + one.prioritized)}</td>
              <td data-label="Active">{whole.format(one.active)}</td>
              <td data-label="Delayed">{whole.format(one.delayed)}</td>
              <td data-label="Failed">{whole.format(one.failed)}</td>
              <td data-label="Oldest waiting">{seconds(one.oldestWaitingSeconds)}</td>
            </tr>
          ))}
        </Table>
      )}
      <div className="panel">
        <Facts
          facts={[
            ['Overdue', overdue(deliveries)],
            ['Due, not queued yet', counted(deliveries.deferred)],
            ['Of these, on open circuits', counted(deliveries.deferredByCircuit)],
            ['Due later (retries)', counted(deliveries.scheduled)],
            ['Held', counted(deliveries.held)],
            ['Events being expanded to many webhooks', counted(deliveries.expanding)],
            [
              'Webhooks',
              (['active', 'paused', 'disabled', 'unverified'] as const)
                .map((status) => `${whole.format(subscriptions[status])} ${status}`)
                .join(', '),
            ],
            ['Open circuits', whole.format(circuits.open + circuits.halfOpen)],
            ['Last dispatch', <Time key="dispatched" at={lastDispatchAt} />],
          ]}
        />
      </div>
      <section className="stack close" aria-labelledby="workers">
        <h2 id="workers">Workers</h2>
        {workers.length === 0 ? (
          <Empty title="No workers yet">Start a worker to deliver events.</Empty>
        ) : (
          <Table caption="Workers, latest start first" columns={['State', 'Host', 'Version', 'Started', 'Last job']}>
            {workers.map((one) => (
              <tr key={one.hostname + one.startedAt}>
                <td>
                  <Pill tone={one.isAlive ? 'success' : 'danger'}>{one.isAlive ? 'Running' : 'Stopped'}</Pill>
                </td>
                <td className="mono">{one.hostname}</td>
                <td data-label="Version">{one.version}</td>
                <td data-label="Started">
                  <Time at={one.startedAt} />
                </td>
                <td data-label="Last job">
                  <Time at={one.lastJobAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
    </div>
  );
}
