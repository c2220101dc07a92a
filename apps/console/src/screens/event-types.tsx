import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { eventTypesQuery } from '../data/queries.js';
import { Code, OutsideText } from '../ui/outside-text.js';
import { PageHead, useTitle } from '../ui/page.js';
import { Pill } from '../ui/pill.js';
import { Empty, Loaded, NotFound } from '../ui/states.js';

/** What may be published, by group. */
export function EventTypes() {
  useTitle('Event catalogue');
  const types = useQuery(eventTypesQuery);
  return (
    <>
      <PageHead title="Event catalogue" note="What may be published, and what a webhook can ask for." />
      <Loaded query={types} what="event types">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No event types">Three come with Posthorn; add your own over the API.</Empty>
          ) : (
            <div className="stack">
              {[...Map.groupBy(data, ({ name }) => name.split(':')[0])].map(([group, members]) => (
                <section key={group} className="panel stack close">
                  <h2 className="mono">{group}</h2>
                  <ul className="stack close">
                    {members.map(({ name, description, deprecated }) => (
                      <li key={name}>
                        <div className="row">
                          <Link className="mono" to="/event-types/$name" params={{ name }}>
                            {name}
                          </Link>
                          {deprecated && <Pill tone="warning">Deprecated</Pill>}
                        </div>
                        {description !== null && (
                          <p className="muted">
                            <OutsideText text={description} />
                          </p>
                        )}
                      </li>
                    ))}
                  </ul>
                </section>
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}

export function EventTypeScreen() {
  const { name = '' } = useParams({ strict: false });
  useTitle(name);
  const types = useQuery(eventTypesQuery);
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
              act={type.deprecated && <Pill tone="warning">Deprecated</Pill>}
            />
            <section className="stack close">
              <h2>Example</h2>
              {type.example === null ? (
                <p className="muted">None given.</p>
              ) : (
                <Code what="the request body" text={JSON.stringify({ event: name, payload: type.example }, null, 2)} />
              )}
            </section>
            {type.schema !== null && (
              <section className="stack close">
                <h2>Schema</h2>
                <Code what="the schema" text={JSON.stringify(type.schema, null, 2)} />
              </section>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}
