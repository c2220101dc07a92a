import { EventTypeName, type TestSent } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import * as z from 'zod';
import { accountPath } from '../../api/account-path.js';
import { useAction } from '../../components/action.js';
import { prettyJson } from '../../api/json.js';
import { Button } from '../../components/button.js';
import { errorOf, fieldOf, FormError, showRefusal, useSchemaForm } from '../../components/form.js';
import { Code } from '../../components/outside-text.js';
import { Loaded } from '../../components/states.js';
import { TextArea } from '../../components/text-area.js';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { AttemptDetail } from '../deliveries/attempt-result.js';
import { deliveryQuery } from '../../queries/deliveries.js';
import { useAccount, useMay, useSession } from '../session/session.js';
import { isOffered } from './event-picker.js';
import { useSubscriptionId } from './subscription-id.js';

/** Sends a test event and shows the response. Editing the example needs permission to publish events, because an endpoint cannot
 *  distinguish a test from a published event. The API checks this too. */
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

const Test = z.object({
  event: EventTypeName,
  payload: z.string().transform((text, context): object => {
    const parsed = readObject(text);
    if (typeof parsed !== 'string') return parsed;
    context.addIssue(parsed);
    return z.NEVER;
  }),
});

function TestForm({ types, mayEdit }: { types: { name: string; example: string }[]; mayEdit: boolean }) {
  const account = useAccount();
  const id = useSubscriptionId();
  const exampleOf = (name: string | undefined) => prettyJson(types.find((one) => one.name === name)?.example ?? '{}');
  const form = useSchemaForm(Test, { event: types[0]?.name ?? '', payload: exampleOf(types[0]?.name) });
  const test = useAction<TestSent, object>({
    path: `${accountPath(account)}/subscriptions/${id}/test`,
    touches: ['accounts', account, 'deliveries'],
    onFail: (error) => showRefusal(form, error),
  });
  const sent = test.data;
  const delivery = useQuery({ ...deliveryQuery(account, sent?.deliveryId ?? ''), enabled: sent !== undefined });
  const attempt = sent && delivery.data?.attempts.at(-1);
  const submit = form.handleSubmit(({ event, payload }) => test.mutate(mayEdit ? { event, payload } : { event }));
  if (types.length === 0)
    return <p className="help">The event catalogue has no example payloads yet. An operator can add one.</p>;
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <div className="field">
        <label htmlFor="test-event">Event type</label>
        <select
          id="test-event"
          className="input"
          {...form.register('event', {
            onChange: () => {
              form.clearErrors();
              form.setValue('payload', exampleOf(form.getValues('event')));
            },
          })}
        >
          {types.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        {errorOf(form, 'event') && <p className="error">{errorOf(form, 'event')}</p>}
      </div>
      {mayEdit ? (
        <TextArea
          label="Payload"
          rows={12}
          spellCheck={false}
          help="The example from the event catalogue. A test goes only to this webhook, in a single attempt."
          {...fieldOf(form, 'payload')}
        />
      ) : (
        <div className="field">
          <Code text={form.watch('payload')} what="Payload" />
          <p className="help">
            Posthorn sends this example from the event catalogue. To send another payload, you need permission to
            publish events. A test goes only to this webhook, in a single attempt.
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
            View delivery
          </Link>
        )}
      </div>
      <FormError form={form} />
      {attempt && (
        <div className="panel">
          <AttemptDetail account={account} eventId={sent.eventId} attempt={attempt} />
        </div>
      )}
    </form>
  );
}

/** Returns the object, or the problem with the text. */
function readObject(text: string): object | string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : 'Enter a JSON object: {…}';
  } catch (error) {
    return `This is not valid JSON: ${(error as Error).message}`;
  }
}
