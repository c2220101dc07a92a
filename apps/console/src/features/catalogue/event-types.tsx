import type { EventType } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { OutsideText } from '../../components/outside-text.js';
import { PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { Empty, Loaded } from '../../components/states.js';
import { EventTypeForm } from './event-type-form.js';
import { subscribedBy } from './subscribed-by.js';

/** The event catalogue, by group. */
export function EventTypes() {
  useTitle('Event catalogue');
  const types = useQuery(eventTypesQuery);
  const mayEdit = useSession().kind === 'operator';
  const navigate = useNavigate();
  const [isAdding, setIsAdding] = useState(false);
  const add = mayEdit && (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      Add event type
    </Button>
  );
  return (
    <>
      <PageHead
        title="Event catalogue"
        note="The event types that your app can publish and webhooks can subscribe to."
        action={add}
      />
      <Loaded query={types} what="event types">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No event types yet">Add the event types that your app publishes.</Empty>
          ) : (
            <div className="stack">
              {groupsOf(data).map(([group, members]) => (
                <Group key={group} name={group} members={members} />
              ))}
            </div>
          )
        }
      </Loaded>
      {isAdding && (
        <EventTypeForm
          onClose={() => setIsAdding(false)}
          onDone={(name) => void navigate({ to: '/event-types/$name', params: { name } })}
        />
      )}
    </>
  );
}

/** Groups by the first segment of the names, in alphabetical order. */
const groupsOf = (types: EventType[]): [string, EventType[]][] =>
  [
    ...Map.groupBy(
      types.toSorted((a, b) => a.name.localeCompare(b.name)),
      ({ name }) => name.split(':')[0] ?? name,
    ),
  ].toSorted(([a], [b]) => a.localeCompare(b));

const Group = ({ name: group, members }: { name: string; members: EventType[] }) => (
  <section className="panel stack close">
    <h2 className="mono">{members.length === 1 && members[0]?.name === group ? group : `${group}:*`}</h2>
    <ul className="stack close">
      {members.map((type) => (
        <li key={type.name}>
          <div className="row">
            <Link className="mono" to="/event-types/$name" params={{ name: type.name }}>
              {type.name}
            </Link>
            {type.deprecated && <Pill tone="warning">Deprecated</Pill>}
            <span className="small muted">{subscribedBy(type)}</span>
          </div>
          {type.description !== null && (
            <p className="muted">
              <OutsideText text={type.description} />
            </p>
          )}
        </li>
      ))}
    </ul>
  </section>
);
