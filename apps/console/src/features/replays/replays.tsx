import type { Replay } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { replaysQuery, replayQuery } from './queries.js';
import { useAccount, useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Id } from '../../components/copy.js';
import { List } from '../../components/list.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { Empty, Loaded } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { Table, tight } from '../../components/table.js';
import './replays.css';

const WORDS = {
  running: { tone: 'progress', label: 'Running' },
  completed: { tone: 'success', label: 'Completed' },
  canceled: { tone: 'neutral', label: 'Canceled' },
} as const;
const WHICH = { failed: 'Failed deliveries', missed: 'Missed events' } as const;

export function Replays() {
  const account = useAccount();
  useTitle('Replays', account);
  const { cursor } = useSearch({ strict: false });
  const replays = useQuery(replaysQuery(account, cursor === undefined ? {} : { cursor }));
  return (
    <>
      <PageHead title="Replays" note="Deliveries that were sent again to a webhook that did not get them." />
      <List
        query={replays}
        what="replays"
        empty={
          <Empty title="No replays yet">
            After a webhook has failed or was disabled, its deliveries can be replayed from its Replay tab.
          </Empty>
        }
      >
        {(rows) => (
          <Table caption="Replays, newest first" columns={['Status', 'Which', 'Replayed', tight('Started')]}>
            {rows.map((one) => (
              <tr key={one.id}>
                <td>
                  <Link to="/accounts/$account/replays/$replay" params={{ account, replay: one.id }}>
                    <ReplayPill of={one} />
                  </Link>
                </td>
                <td>{WHICH[one.which]}</td>
                <td className="number" data-label="Replayed">
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

const ReplayPill = ({ of: { status } }: { of: Replay }) => <Pill tone={WORDS[status].tone}>{WORDS[status].label}</Pill>;

export function ReplayScreen() {
  const account = useAccount();
  const may = useMay();
  const { replay: id = '' } = useParams({ strict: false });
  const replay = useQuery(replayQuery(account, id));
  useTitle('Replay', account);
  const cancel = useAct<Replay>({
    path: `${accountPath(account)}/replays/${id}/cancel`,
    touches: ['accounts', account, 'replays'],
  });
  return (
    <Loaded query={replay} what="the replay">
      {(data) => (
        <div className="stack wide">
          <PageHead
            title={
              <span className="row">
                {WHICH[data.which]} <ReplayPill of={data} />
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
                {data.queued} of {data.matched} replayed
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
