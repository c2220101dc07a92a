import type { Replay } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { accountPath } from '../../api/account-path.js';
import { useAct } from '../../api/act.js';
import { Button } from '../../components/button.js';
import { Id } from '../../components/copy.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { Loaded } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { useAccount, useMay } from '../session/session.js';
import { replayQuery } from './queries.js';
import { ReplayPill, WHICH } from './replay-pill.js';
import './replay.css';

const route = getRouteApi('/accounts/$account/replays/$replay');

export function ReplayScreen() {
  const account = useAccount();
  const may = useMay();
  const { replay: id } = route.useParams();
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
                ['Pending', data.pending],
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
                    View webhook
                  </Link>,
                ],
                ['Started', <Time key="at" at={data.createdAt} />],
                ['Ended', <Time key="ended" at={data.endedAt} />],
                ['ID', <Id key="id" id={data.id} />],
              ]}
            />
          </div>
        </div>
      )}
    </Loaded>
  );
}
