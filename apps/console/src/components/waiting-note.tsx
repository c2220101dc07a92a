import type { WaitingOfRow } from '@posthorn/contract';
import { Time } from './time.js';

/** How many deliveries wait, and since when. Nothing if none waits. */
export function WaitingNote({ waiting }: { waiting: WaitingOfRow | undefined }) {
  if (!waiting || waiting.count === 0) return null;
  return (
    <div className="small muted">
      {waiting.count}
      {waiting.more && '+'} waiting, oldest <Time at={waiting.oldestCreatedAt} />
    </div>
  );
}
