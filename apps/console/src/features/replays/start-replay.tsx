import type { Replay, ReplayPreview } from '@posthorn/contract';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { RANGES, since } from '../../components/range.js';
import { useAccount } from '../session/session.js';
import { Button } from '../../components/button.js';
import { shortTime, useZone } from '../../components/zone.js';
import { useSubscriptionId } from '../webhooks/subscription-id.js';

const route = getRouteApi('/accounts/$account/subscriptions/$subscription/replay');

const SINCE = 'since';

/** Starts a replay after a preview of its count. */
export function StartReplay() {
  const account = useAccount();
  const id = useSubscriptionId();
  const search = route.useSearch();
  const [which, setWhich] = useState(search.which ?? 'failed');
  const [range, setRange] = useState(search.from === undefined ? '24h' : SINCE);
  const zone = useZone();
  const navigate = useNavigate();
  const options = {
    path: `${accountPath(account)}/subscriptions/${id}/replay`,
    touches: ['accounts', account, 'replays'],
  };
  const preview = useAct<ReplayPreview, object>({ ...options, isQuiet: true });
  const start = useAct<Replay, object>({
    ...options,
    onDone: (made) => void navigate({ to: '/accounts/$account/replays/$replay', params: { account, replay: made.id } }),
  });
  const counted = preview.data;
  const choose = (act: () => void) => {
    act();
    preview.reset();
  };
  return (
    <div className="panel stack">
      <fieldset className="field">
        <legend className="label">What to replay</legend>
        <label className="choice">
          <input
            type="radio"
            name="which"
            checked={which === 'failed'}
            onChange={() => choose(() => setWhich('failed'))}
          />
          <span>
            Failed deliveries <span className="muted small">deliveries that failed or were canceled</span>
          </span>
        </label>
        <label className="choice">
          <input
            type="radio"
            name="which"
            checked={which === 'missed'}
            onChange={() => choose(() => setWhich('missed'))}
          />
          <span>
            Missed events{' '}
            <span className="muted small">
              published while the webhook was disabled, not verified or not created yet
            </span>
          </span>
        </label>
      </fieldset>
      <div className="field">
        <label htmlFor="replay-range">Time range</label>
        <select
          id="replay-range"
          className="input"
          value={range}
          onChange={({ target }) => choose(() => setRange(target.value))}
        >
          {search.from !== undefined && <option value={SINCE}>Since {shortTime(search.from, zone)}</option>}
          {RANGES.map(({ id: name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </div>
      {counted === undefined ? (
        <div className="row">
          <Button
            look="primary"
            isPending={preview.isPending}
            onClick={() => preview.mutate({ which, since: range === SINCE ? search.from : since(range), dryRun: true })}
          >
            Preview
          </Button>
        </div>
      ) : counted.matched === 0 ? (
        <p role="status">Nothing to replay in this time range.</p>
      ) : (
        <div className="row" role="status">
          <span>
            <strong className="number">{counted.matched}</strong> {nounOf(which, counted.matched)} will be replayed,
            oldest first, rate-limited.
          </span>
          <Button
            look="primary"
            isPending={start.isPending}
            onClick={() => start.mutate({ which, since: counted.since, until: counted.until })}
          >
            Replay
          </Button>
        </div>
      )}
      {preview.error && (
        <p className="error" role="alert">
          {preview.error.message}
        </p>
      )}
    </div>
  );
}

const nounOf = (which: 'failed' | 'missed', count: number): string =>
  which === 'failed' ? (count === 1 ? 'delivery' : 'deliveries') : count === 1 ? 'event' : 'events';
