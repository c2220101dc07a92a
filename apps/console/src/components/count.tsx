import { whole } from './number.js';
import './count.css';

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count. A large one is shortened (12.4K), and hover or focus shows the exact number. */
export function Count({ of }: { of: number }) {
  const exact = whole.format(of);
  if (of < 10_000) return <span className="number">{exact}</span>;
  const short = compact.format(of);
  return (
    // The name contains the visible text, so that speech input finds it (WCAG 2.5.3).
    <button type="button" className="shortened number" aria-label={`${short}, exactly ${exact}`}>
      <span className="short" aria-hidden>
        {short}
      </span>
      <span className="whole" aria-hidden>
        {exact}
      </span>
    </button>
  );
}
