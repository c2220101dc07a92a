import type { WaitingOfRow } from '@posthorn/contract';
import { Time } from './time.js';

/** The number of waiting deliveries, and since when they wait. Renders nothing if none waits. */
export function WaitingNote({ waiting }: { waiting: WaitingOfRow | undefined }) {
  if (!waiting || waiting.count === 0) return null;
  return (
    <div className="small muted">
      {waiting.count}
      {waiting.more && '+'} waiting, oldest <Time at={waiting.oldestCreatedAt} />
    </div>
  );
}
