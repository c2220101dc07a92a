import { DELIVERY_WORDS, type DeliveryCounts as Counts } from '@posthorn/contract';
import { Check, Ellipsis, type LucideIcon, Minus, Pause, X } from 'lucide-react';
import { whole } from '../../components/number.js';
import '../../components/counts.css';

const ICONS: [status: keyof Counts, icon: LucideIcon][] = [
  ['succeeded', Check],
  ['failed', X],
  ['pending', Ellipsis],
  ['held', Pause],
  ['canceled', Minus],
];

/** The number of an event's deliveries in each status. */
export function DeliveryCounts({ of }: { of: Counts }) {
  return (
    <ul className="counts number">
      {ICONS.filter(([status]) => of[status] > 0).map(([status, Icon]) => (
        <li key={status} className={`sign-${DELIVERY_WORDS[status].tone}`} title={DELIVERY_WORDS[status].label}>
          {whole.format(of[status])}
          <Icon className="icon" aria-hidden />
          <span className="visually-hidden">{DELIVERY_WORDS[status].label}</span>
        </li>
      ))}
    </ul>
  );
}
