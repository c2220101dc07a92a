import type { TestSent } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAct } from '../../api/act.js';
import { prettyJson } from '../../api/json.js';
import { accountPath } from '../../api/account-path.js';
import { deliveryQuery } from '../deliveries/queries.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { useAccount, useMay, useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Code } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { isOffered } from './event-picker.js';
import { AttemptDetail } from '../deliveries/attempt-result.js';
import { useSubscriptionId } from './subscription-id.js';

/** A type, its example, and the response of the endpoint. Only who may publish events can edit the example: the endpoint cannot
 *  tell a test from a published event, and the API refuses it too. */
export function SubscriptionTest() {
  const mayEdit = useMay()('events:write');
  const types = useQuery(eventTypesQuery);
  const { kind } = useSession();
  return (
    <Loaded query={types} what="event types">
      {({ data }) => (
        <TestForm
          mayEdit={mayEdit}
          types={data
            .filter((type) => isOffered(type, kind) && (mayEdit || type.example !== null))
            .toSorted((a, b) => Number(a.operational) - Number(b.operational) || a.name.localeCompare(b.name))
            .map(({ name, example }) => ({ name, example: JSON.stringify(example ?? {}) }))}
        />
      )}
    </Loaded>
  );
}

function TestForm({ types, mayEdit }: { types: { name: string; example: string }[]; mayEdit: boolean }) {
  const account = useAccount();
  const id = useSubscriptionId();
  const exampleOf = (name: string | undefined) => prettyJson(types.find((one) => one.name === name)?.example ?? '{}');
  const [event, setEvent] = useState(types[0]?.name ?? '');
  const [payload, setPayload] = useState(() => exampleOf(types[0]?.name));
  const [problem, setProblem] = useState<string | null>(null);
  const test = useAct<TestSent, object>({
    path: `${accountPath(account)}/subscriptions/${id}/test`,
    touches: ['accounts', account, 'deliveries'],
    isQuiet: true,
  });
  const sent = test.data;
  const delivery = useQuery({ ...deliveryQuery(account, sent?.deliveryId ?? ''), enabled: sent !== undefined });
  const attempt = sent && delivery.data?.attempts.at(-1);
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault();
    if (!mayEdit) return test.mutate({ event });
    const parsed = readObject(payload);
    setProblem(typeof parsed === 'string' ? parsed : null);
    if (typeof parsed !== 'string') test.mutate({ event, payload: parsed });
  };
  if (types.length === 0)
    return (
      <p className="help">
        The event catalogue has no example yet. An operator can add one, then you can send it here.
      </p>
    );
  return (
    <form className="stack" onSubmit={submit}>
      <div className="field">
        <label htmlFor="test-event">Event type</label>
        <select
          id="test-event"
          className="input"
          value={event}
          onChange={({ target }) => {
            setEvent(target.value);
            setPayload(exampleOf(target.value));
            setProblem(null);
          }}
        >
          {types.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      {mayEdit ? (
        <div className="field">
          <label htmlFor="test-payload">Payload</label>
          <textarea
            id="test-payload"
            className="input"
            rows={12}
            spellCheck={false}
            value={payload}
            aria-invalid={problem !== null || undefined}
            aria-describedby="test-note"
            onChange={({ target }) => setPayload(target.value)}
          />
          <p id="test-note" className={problem === null ? 'help' : 'error'}>
            {problem ?? 'The catalogue’s example, to edit. A test goes to this webhook only, and is tried once.'}
          </p>
        </div>
      ) : (
        <div className="field">
          <Code text={payload} what="Payload" />
          <p className="help">
            Posthorn sends this example from the event catalogue. To send another payload, you need permission to
            publish events. A test goes to this webhook only, and is tried once.
          </p>
        </div>
      )}
      <div className="row">
        <Button
          type="submit"
          look="primary"
          isPending={test.isPending || (sent !== undefined && attempt === undefined)}
        >
          Send test
        </Button>
        {sent && (
          <Link to="/accounts/$account/deliveries/$delivery" params={{ account, delivery: sent.deliveryId }}>
            See the delivery
          </Link>
        )}
      </div>
      {test.error && (
        <p className="error" role="alert">
          {test.error.message}
        </p>
      )}
      {attempt && (
        <div className="panel">
          <AttemptDetail account={account} eventId={sent.eventId} attempt={attempt} />
        </div>
      )}
    </form>
  );
}

/** The object, or what is wrong with the text. */
function readObject(text: string): object | string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value
      : 'The payload must be a JSON object: {…}';
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
}
