import type { Replay } from '@posthorn/contract';
import { Pill } from '../../components/pill.js';

/** A replay that has completed is only a success if everything was delivered. */
export function ReplayPill({ of: { status, failed } }: { of: Pick<Replay, 'status' | 'failed'> }) {
  switch (status) {
    case 'running':
      return <Pill tone="progress">Queueing</Pill>;
    case 'delivering':
      return <Pill tone="progress">Delivering</Pill>;
    case 'completed':
      return failed > 0 ? <Pill tone="danger">Completed with failures</Pill> : <Pill tone="success">Completed</Pill>;
    case 'canceled':
      return <Pill tone="neutral">Canceled</Pill>;
    default:
      return status satisfies never;
  }
}
