import type { Recovery } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { useAct } from '../data/act.js';
import { accountPath, recoveriesQuery, recoveryQuery } from '../data/queries.js';
import { useAccount, useMay } from '../session.js';
import { Button } from '../ui/button.js';
import { Id } from '../ui/copy.js';
import { List } from '../ui/list.js';
import { Facts, PageHead, useTitle } from '../ui/page.js';
import { Pill } from '../ui/pill.js';
import { Empty, Loaded } from '../ui/states.js';
import { Time } from '../ui/time.js';
import { Table, tight } from '../ui/table.js';

const WORDS = {
  running: { tone: 'progress', label: 'Running' },
  completed: { tone: 'success', label: 'Completed' },
  canceled: { tone: 'neutral', label: 'Canceled' },
} as const;
const WHICH = { failed: 'Failed deliveries', missing: 'Missing events' } as const;

export function Recoveries() {
  const account = useAccount();
  useTitle('Recoveries', account);
  const { cursor } = useSearch({ strict: false });
  const recoveries = useQuery(recoveriesQuery(account, cursor === undefined ? {} : { cursor }));
  return (
    <>
      <PageHead title="Recoveries" note="What was brought back for a webhook that did not get it." />
      <List
        query={recoveries}
        what="recoveries"
        empty={
          <Empty title="No recoveries yet">
            After a webhook has failed or was disabled, its deliveries can be brought back from its Recover tab.
          </Empty>
        }
      >
        {(rows) => (
          <Table caption="Recoveries, newest first" columns={['Status', 'Which', 'Brought back', tight('Started')]}>
            {rows.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link to="/accounts/$account/recoveries/$recovery" params={{ account, recovery: one.id }}>
                    <RecoveryPill of={one} />
                  </Link>
                </td>
                <td>{WHICH[one.which]}</td>
                <td className="number" data-label="Brought back">
                  {one.queued} of {one.matched}
                </td>
                <td className="tight" data-label="Started">
                  <Time at={one.createdAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </List>
    </>
  );
}

const RecoveryPill = ({ of: { status } }: { of: Recovery }) => (
  <Pill tone={WORDS[status].tone}>{WORDS[status].label}</Pill>
);

export function RecoveryScreen() {
  const account = useAccount();
  const may = useMay();
  const { recovery: id = '' } = useParams({ strict: false });
  const recovery = useQuery(recoveryQuery(account, id));
  useTitle('Recovery', account);
  const cancel = useAct<Recovery>({
    path: `${accountPath(account)}/recoveries/${id}/cancel`,
    touches: ['accounts', account, 'recoveries'],
  });
  return (
    <Loaded query={recovery} what="the recovery">
      {(data) => (
        <div className="stack wide">
          <PageHead
            title={
              <span className="row">
                {WHICH[data.which]} <RecoveryPill of={data} />
              </span>
            }
            act={
              data.status === 'running' &&
              may('deliveries:write') && (
                <Button isPending={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
                  Cancel
                </Button>
              )
            }
          />
          <div className="panel stack">
            <div className="stack tight">
              <label htmlFor="progress" className="number">
                {data.queued} of {data.matched} brought back
              </label>
              <progress id="progress" max={Math.max(1, data.matched)} value={data.queued} />
            </div>
            <Facts
              facts={[
                ['Succeeded', data.succeeded],
                ['Failed again', data.failed],
                ['Still owed', data.pending],
                [
                  'Created between',
                  <span key="span">
                    <Time at={data.since} /> and <Time at={data.until} />
                  </span>,
                ],
                [
                  'Webhook',
                  <Link
                    key="webhook"
                    to="/accounts/$account/subscriptions/$subscription"
                    params={{ account, subscription: data.subscriptionId }}
                  >
                    See the webhook
                  </Link>,
                ],
                ['Started', <Time key="at" at={data.createdAt} />],
                ['Ended', <Time key="ended" at={data.endedAt} />],
                ['Id', <Id key="id" id={data.id} />],
              ]}
            />
          </div>
        </div>
      )}
    </Loaded>
  );
}
