import type { DeliveryDetail, Lookup } from '@posthorn/contract';
import { useQueries } from '@tanstack/react-query';
import { getRouteApi, Link, Navigate } from '@tanstack/react-router';
import { ApiProblem } from '../../api/api-problem.js';
import { call } from '../../api/call.js';
import { accountPath } from '../../api/account-path.js';
import { Id } from '../../components/copy.js';
import { PageHead, useTitle } from '../../components/page.js';
import { DeliveryPill } from '../../components/pill.js';
import { Loaded } from '../../components/states.js';
import { Table } from '../../components/table.js';

const route = getRouteApi('/deliveries/$ids');

/** The maximum number of deliveries of a job. */
const MOST = 50;

/** Deliveries of any account by their ids: Bull Board links here from a job. A single one opens on its own page. */
export function DeliveriesById() {
  const { ids: text } = route.useParams();
  const ids = [...new Set(text.split(','))].slice(0, MOST);
  useTitle('Deliveries of a job');
  const [first, ...others] = useQueries({ queries: ids.map(byId) });
  if (first?.data && others.length === 0)
    return (
      <Navigate
        to="/accounts/$account/deliveries/$delivery"
        params={{ account: first.data.accountId, delivery: first.data.id }}
        replace
      />
    );
  return (
    <>
      <PageHead title="Deliveries of a job" note="A job in the queue has up to 50 deliveries." />
      {first && others.length === 0 ? (
        <Loaded query={first} what="the delivery">
          {() => null}
        </Loaded>
      ) : (
        <Table caption="Deliveries of a job" columns={['Status', 'Event type', 'Account', 'ID']}>
          {ids.map((id, index) => (
            <Row key={id} id={id} query={index === 0 ? first : others[index - 1]} />
          ))}
        </Table>
      )}
    </>
  );
}

const byId = (id: string) => ({
  queryKey: ['deliveries', id],
  async queryFn({ signal }: { signal: AbortSignal }): Promise<DeliveryDetail> {
    const { type, accountId } = await call<Lookup>('GET', `/v1/lookup/${encodeURIComponent(id)}`, undefined, signal);
    if (type !== 'delivery' || accountId === null)
      throw new ApiProblem(404, { title: 'This is not the ID of a delivery.' });
    return call('GET', `${accountPath(accountId)}/deliveries/${id}`, undefined, signal);
  },
});

function problemOf(error: Error | null): string {
  if (error === null) return 'Loading…';
  return error instanceof ApiProblem && error.status === 404 ? 'Not found' : error.message;
}

function Row({
  id,
  query,
}: {
  id: string;
  query: { data: DeliveryDetail | undefined; error: Error | null } | undefined;
}) {
  const delivery = query?.data;
  return (
    <tr>
      <td>
        {delivery ? <DeliveryPill of={delivery} /> : <span className="muted">{problemOf(query?.error ?? null)}</span>}
      </td>
      <td>
        {delivery && (
          <Link
            className="rowlink mono"
            to="/accounts/$account/deliveries/$delivery"
            params={{ account: delivery.accountId, delivery: id }}
          >
            {delivery.event}
          </Link>
        )}
      </td>
      <td data-label="Account">
        <bdi>{delivery?.accountId}</bdi>
      </td>
      <td>
        <Id id={id} />
      </td>
    </tr>
  );
}
