import type { WaitingDeliveries } from '@posthorn/contract';
import { useNow } from '../../components/clock.js';
import { countOf } from '../../components/number.js';
import { age } from '../../components/time.js';

type Count = Pick<WaitingDeliveries, 'count' | 'more' | 'oldestCreatedAt'>;

/** "1,140 (oldest 23 min)" */
export function WaitingCount({ of: { count, more, oldestCreatedAt } }: { of: Count }) {
  const now = useNow();
  const oldest = oldestCreatedAt === null ? '' : ` (oldest ${age((now - Date.parse(oldestCreatedAt)) / 1_000)})`;
  return <span className="number">{`${countOf({ count, more }, 'More than ')}${oldest}`}</span>;
}
