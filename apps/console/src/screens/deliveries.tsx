import { DELIVERY_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { deliveriesQuery, eventTypesQuery } from '../data/queries.js';
import { useLive } from '../data/live.js';
import { useSteady } from '../data/steady.js';
import { RANGES, since } from '../data/range.js';
import type { ListSearch } from '../router.js';
import { useAccount, useSession } from '../session.js';
import { Button } from '../ui/button.js';
import { PageHead, Pager, useTitle } from '../ui/page.js';
import { Select } from '../ui/select.js';
import { Empty, Loaded } from '../ui/states.js';
import { DeliveryTable } from './delivery-table.js';

/** Deliveries of an account, or of one of its webhooks. What is filtered stands in the address. */
export function Deliveries() {
  const account = useAccount();
  const { subscription: ofOne } = useParams({ strict: false });
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const types = useQuery(eventTypesQuery);
  useTitle('Deliveries', account);
  const subscription = ofOne ?? search.subscription;
  const deliveries = useQuery(
    deliveriesQuery(account, {
      subscription: subscription === undefined ? undefined : [subscription],
      status: search.status?.split(','),
      eventType: search.eventType?.split(','),
      event: search.event,
      from: since(search.range),
      cursor: search.cursor,
    }),
  );
  const [isLive, setIsLive] = useState(false);
  const live = useLive(account, subscription, isLive);
  const isPortal = useSession().kind === 'portal';
  const { rows, newCount, showNew } = useSteady(
    deliveries.isPlaceholderData ? undefined : deliveries.data?.data,
    JSON.stringify([account, subscription, search]),
  );
  const go = (next: ListSearch) =>
    void navigate({ to: '.', search: Object.fromEntries(Object.entries(next).filter(([, value]) => value)) });
  const set = (name: keyof ListSearch, value: string) => go({ ...search, cursor: '', [name]: value });
  const isFiltered = Object.entries(search).some(([name, value]) => name !== 'cursor' && value !== undefined);
  return (
    <>
      {ofOne === undefined && <PageHead title="Deliveries" note="Each event owed to each webhook, and how it went." />}
      <div className="filters" role="search" aria-label="Deliveries">
        <Select label="Status" value={search.status} onChange={(value) => set('status', value)}>
          {Object.entries(DELIVERY_WORDS).map(([status, { label }]) => [status, label])}
        </Select>
        <Select label="Event type" value={search.eventType} onChange={(value) => set('eventType', value)}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <Select label="Time" value={search.range} onChange={(value) => set('range', value)}>
          {RANGES.map(({ id, label }) => [id, label])}
        </Select>
        {search.event !== undefined && (
          <span className="chip">
            Of one event
            <Button look="plain" size="tiny" onClick={() => set('event', '')}>
              Remove
            </Button>
          </span>
        )}
        {isFiltered && (
          <Button look="plain" onClick={() => go({})}>
            Clear filters
          </Button>
        )}
        {!isPortal && (
          <Button aria-pressed={isLive} onClick={() => setIsLive(!isLive)}>
            <Radio className="icon" aria-hidden />
            Live
          </Button>
        )}
        <span className="row small" role="status">
          {live === 'lost' && 'The stream is interrupted: looking every 5 seconds instead.'}
          {newCount > 0 && search.cursor === undefined && <Button onClick={showNew}>{newCount} new</Button>}
        </span>
      </div>
      <Loaded query={deliveries} what="deliveries">
        {({ data, nextCursor }) =>
          data.length > 0 ? (
            <>
              <DeliveryTable account={account} deliveries={rows ?? data} isOfOne={ofOne !== undefined} />
              <Pager
                cursor={search.cursor}
                nextCursor={nextCursor}
                onGo={(cursor) => go({ ...search, cursor: cursor ?? '' })}
              />
            </>
          ) : isFiltered || search.cursor !== undefined ? (
            <Empty
              title="No deliveries match these filters"
              act={<Button onClick={() => go({})}>Clear filters</Button>}
            />
          ) : (
            <Empty title="No deliveries yet">
              Once an event is published that a webhook wants, it appears here within moments.
            </Empty>
          )
        }
      </Loaded>
    </>
  );
}
