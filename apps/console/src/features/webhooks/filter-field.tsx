import { ChangeSubscription, type FilterTest } from '@posthorn/contract';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { FieldValues, Path, UseFormReturn } from 'react-hook-form';
import { accountPath } from '../../api/account-path.js';
import { call } from '../../api/call.js';
import { Button } from '../../components/button.js';
import { Field } from '../../components/field.js';
import { blankAsNull, fieldOf, showRefusal } from '../../components/form.js';
import { Pill } from '../../components/pill.js';
import { Table, tight } from '../../components/table.js';
import { Time } from '../../components/time.js';
import { useMay } from '../session/session.js';

/** An input for a filter; empty: all events pass. */
export const filterInput = blankAsNull(ChangeSubscription.shape.filter.unwrap());

const MOST_SHOWN = 10;

/** The input for a filter, with a test against recent events of the chosen types. */
export function FilterField<I extends FieldValues & { filter: string; events: string[] }, O>({
  account,
  form,
}: {
  account: string;
  form: UseFormReturn<I, unknown, O>;
}) {
  const mayTest = useMay()('events:read');
  const name = 'filter' as Path<I>;
  const filter: string = form.watch(name);
  const events: string[] = form.watch('events' as Path<I>);
  const test = useMutation({
    mutationFn: (body: { filter: string; events: string[] }) =>
      call<FilterTest>('POST', `${accountPath(account)}/subscriptions/filter-test`, body),
    onError: (error) => showRefusal(form, error),
  });
  const isCurrent = test.variables?.filter === filter.trim() && test.variables.events.join() === events.join();
  const run = async () => {
    if (await form.trigger(name)) test.mutate({ filter: filter.trim(), events });
  };
  return (
    <div className="stack close">
      <Field
        label="Filter (optional)"
        placeholder='$.conversation.status == "closed"'
        autoComplete="off"
        spellCheck={false}
        help="A condition on the payload, an SQL/JSON path. $ is the payload. Only events that meet it are sent."
        {...fieldOf(form, name)}
      />
      {mayTest && filter.trim() !== '' && (
        <div className="row">
          <Button onClick={() => void run()} isPending={test.isPending}>
            Test the filter
          </Button>
        </div>
      )}
      {isCurrent && test.data && <Result account={account} of={test.data} />}
    </div>
  );
}

function Result({ account, of }: { account: string; of: FilterTest }) {
  const { missingPaths, events } = of;
  return (
    <div className="stack close" role="status">
      <p>{summaryOf(of)}</p>
      {missingPaths.length > 0 && (
        <p className="help">
          No tested event has <code>{missingPaths.join(', ')}</code>. Check the spelling. Paths start at the payload:{' '}
          <code>$.status</code>, not <code>$.payload.status</code>.
        </p>
      )}
      {events.length > 0 && (
        <Table caption="Tested events" columns={['Event', tight('Published'), tight('Result')]}>
          {events.slice(0, MOST_SHOWN).map(({ id, event, createdAt, outcome }) => (
            <tr key={id}>
              <td data-label="Event">
                <Link to="/accounts/$account/events/$event" params={{ account, event: id }}>
                  {event}
                </Link>
              </td>
              <td data-label="Published">
                <Time at={createdAt} />
              </td>
              <td data-label="Result">
                <Pill tone={OUTCOMES[outcome].tone}>{OUTCOMES[outcome].words}</Pill>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

const OUTCOMES = {
  matched: { words: 'Passes', tone: 'success' },
  not_matched: { words: 'Does not pass', tone: 'neutral' },
  unknown: { words: 'Does not pass: cannot be compared with the value', tone: 'warning' },
  not_comparable: { words: 'Passes: the payload cannot be compared', tone: 'warning' },
} as const;

function summaryOf({ tested, passed }: FilterTest): string {
  if (tested === 0) return 'There is no recent event of these types to test the filter with.';
  if (tested === 1) return passed === 1 ? 'The newest event passes.' : 'The newest event does not pass.';
  return `${passed} of the ${tested} newest events pass.`;
}
