import type { EventType } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Body } from '../../components/body.js';
import { OutsideText } from '../../components/outside-text.js';
import { PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { Loaded, NotFound } from '../../components/states.js';
import { useToast } from '../../components/toasts.js';
import { useSession } from '../session/session.js';
import { EventTypeForm, eventTypePath } from './event-type-form.js';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { SchemaTable } from './schema-table.js';
import { subscribedBy } from './subscribed-by.js';

const route = getRouteApi('/event-types/$name');

/** One event type. Only operators can change it, and nobody can change an operational one. */
export function EventTypeScreen() {
  const { name } = route.useParams();
  useTitle(name);
  const types = useQuery(eventTypesQuery);
  const isOperator = useSession().kind === 'operator';
  return (
    <Loaded query={types} what="the event type">
      {({ data }) => {
        const type = data.find((one) => one.name === name);
        if (!type) return <NotFound what="event type" />;
        return (
          <div className="stack wide">
            <PageHead
              title={<span className="mono">{name}</span>}
              note={type.description !== null && <OutsideText text={type.description} />}
              action={
                <>
                  {type.deprecated && <Pill tone="warning">Deprecated</Pill>}
                  {isOperator && !type.operational && <Actions type={type} />}
                </>
              }
            />
            <p>{subscribedBy(type)}.</p>
            <section className="stack close">
              <h2>Example</h2>
              {type.example === null ? (
                <p className="muted">None.</p>
              ) : (
                <Body
                  what="the request body"
                  text={JSON.stringify({ event: name, payload: type.example })}
                  file={`${name}-example`}
                />
              )}
            </section>
            <section className="stack close">
              <h2>JSON Schema</h2>
              {type.schema === null ? (
                <p className="muted">None.</p>
              ) : (
                <>
                  <p className="muted">
                    Version {type.schemaVersion}.{' '}
                    {type.enforcement === 'reject'
                      ? 'Enforced: every event matches it.'
                      : 'Not enforced: an event may differ from it.'}
                  </p>
                  <SchemaTable schema={type.schema} />
                  <Body what="the schema" text={JSON.stringify(type.schema)} file={`${name}-schema`} />
                </>
              )}
            </section>
          </div>
        );
      }}
    </Loaded>
  );
}

function Actions({ type }: { type: EventType }) {
  const [open, setOpen] = useState<'edit' | 'remove' | null>(null);
  const toast = useToast();
  const { name, description, example, schema, enforcement, deprecated } = type;
  const mark = useAction<EventType, object>({
    method: 'PUT',
    path: eventTypePath(name),
    touches: ['event-types'],
    onDone: () => toast(deprecated ? 'Deprecation removed.' : 'Deprecated. It can still be published.'),
  });
  return (
    <>
      <Button onClick={() => setOpen('edit')}>Edit</Button>
      <Button
        isPending={mark.isPending}
        onClick={() => mark.mutate({ description, example, schema, enforcement, deprecated: !deprecated })}
      >
        {deprecated ? 'Undo deprecation' : 'Deprecate'}
      </Button>
      <Button onClick={() => setOpen('remove')}>Remove…</Button>
      {open === 'edit' && <EventTypeForm of={type} onClose={() => setOpen(null)} />}
      {open === 'remove' && <RemoveEventType of={type} onClose={() => setOpen(null)} />}
    </>
  );
}

function RemoveEventType({ of, onClose }: { of: EventType; onClose: () => void }) {
  const { name } = of;
  const toast = useToast();
  const navigate = useNavigate();
  const remove = useAction<undefined>({
    method: 'DELETE',
    path: eventTypePath(name),
    touches: ['event-types'],
    onDone() {
      toast('Event type removed.');
      void navigate({ to: '/event-types' });
    },
  });
  return (
    <Dialog
      title="Remove event type"
      onClose={onClose}
      foot={
        <>
          <Button look="danger" isPending={remove.isPending} onClick={() => remove.mutate(undefined)}>
            Remove event type
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <p>
        The API will refuse new <strong className="mono">{name}</strong> events. Published events stay.{' '}
        {subscribedBy(of)}.
      </p>
    </Dialog>
  );
}
