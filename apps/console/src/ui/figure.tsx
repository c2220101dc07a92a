const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat('en');

/** A count, shortened where it is large (12.4K); then the exact one stands there by hover and focus. */
export function Figure({ of }: { of: number }) {
  const whole = exact.format(of);
  if (of < 10_000) return <span className="number">{whole}</span>;
  return (
    <button type="button" className="shortened number" aria-label={whole}>
      <span className="short" aria-hidden>
        {compact.format(of)}
      </span>
      <span className="whole" aria-hidden>
        {whole}
      </span>
    </button>
  );
}
