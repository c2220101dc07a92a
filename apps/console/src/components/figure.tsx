import { whole } from './number.js';
import './figure.css';

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count, shortened where it is large (12.4K); then the exact one stands there by hover and focus. */
export function Figure({ of }: { of: number }) {
  const exact = whole.format(of);
  if (of < 10_000) return <span className="number">{exact}</span>;
  return (
    <button type="button" className="shortened number" aria-label={exact}>
      <span className="short" aria-hidden>
        {compact.format(of)}
      </span>
      <span className="whole" aria-hidden>
        {exact}
      </span>
    </button>
  );
}
