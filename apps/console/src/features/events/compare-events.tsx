import { useQuery } from '@tanstack/react-query';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Diff } from '../../components/diff.js';
import { Loaded } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { type EventWithSource, eventQuery } from '../../queries/events.js';

/** How the payloads of two events differ. */
export function CompareEvents({
  account,
  ids,
  onClose,
}: {
  account: string;
  ids: [string, string];
  onClose: () => void;
}) {
  const left = useQuery({ ...eventQuery(account, ids[0]), refetchInterval: false });
  const right = useQuery({ ...eventQuery(account, ids[1]), refetchInterval: false });
  return (
    <Dialog title="Compare events" isWide onClose={onClose} foot={<Button onClick={onClose}>Close</Button>}>
      <Loaded query={left} what="the first event" lines={4}>
        {(a) => (
          <Loaded query={right} what="the second event" lines={4}>
            {(b) => <Comparison left={a} right={b} />}
          </Loaded>
        )}
      </Loaded>
    </Dialog>
  );
}

function Comparison({ left, right }: { left: EventWithSource; right: EventWithSource }) {
  return (
    <div className="stack close">
      <ul className="small">
        {[left, right].map(({ id, event, createdAt }, index) => (
          <li key={id}>
            {index === 0 ? '−' : '+'} <span className="mono">{event}</span> <span className="mono muted">{id}</span>{' '}
            <Time at={createdAt} isWhole />
          </li>
        ))}
      </ul>
      <h3>Payload</h3>
      {left.payload === null || right.payload === null ? (
        <p className="muted">
          The payload of {left.payload === null ? 'the first' : 'the second'} event is no longer stored.
        </p>
      ) : (
        <Diff what="payload" left={left.payload} right={right.payload} />
      )}
    </div>
  );
}
