import { type PointerEvent, useEffect } from 'react';
import { useNow } from './clock.js';
import { setTimeDisplay, shownZone, useTimeDisplay, useZone, wholeTime } from './zone.js';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** The distance of a time from now: "in 4 min.", "2 hr. ago". */
export function relativeTime(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1_000);
  if (Math.abs(seconds) < 5) return 'now';
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** A time relative to now. Hover shows the absolute time; `isWhole` also shows it beside the relative one. */
export function Time({ at, isWhole = false }: { at: string | null; isWhole?: boolean }) {
  const now = useNow();
  const { isExact } = useTimeDisplay();
  if (at === null) return <span className="muted">—</span>;
  if (!isWhole || isExact) return <Moment at={at} text={relativeTime(at, now)} />;
  return (
    <time dateTime={at} className="number">
      {relativeTime(at, now)}
      <WholeTime at={at} />
    </time>
  );
}

function WholeTime({ at }: { at: string }) {
  return <span className="muted"> · {wholeTime(at, useZone())}</span>;
}

/** A time whose text the caller has formatted, for long lists. */
export function Moment({ at, text }: { at: string; text: string }) {
  const { zone, isExact } = useTimeDisplay();
  return (
    <time dateTime={at} onPointerEnter={showWhole}>
      {isExact ? wholeTime(at, zone) : text}
    </time>
  );
}

/** A click on any relative time shows all times exactly, to the second. Another click shows them relative again. The time zone menu offers
 *  the same choice to keyboard users. */
export function useExactTimesOnClick(): void {
  const { isExact } = useTimeDisplay();
  useEffect(() => {
    const onClick = ({ target }: MouseEvent) => {
      if (!(target instanceof Element) || target.closest('time') === null) return;
      // A link or a button that contains a time keeps its own action.
      if (target.closest('a, button, summary, label') === null) setTimeDisplay({ isExact: !isExact });
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, [isExact]);
}

/** Formats the absolute time on hover, because the first use of a zone's name takes about 20 ms. */
function showWhole({ currentTarget }: PointerEvent<HTMLTimeElement>): void {
  currentTarget.title = wholeTime(currentTarget.dateTime, shownZone());
}

/** A duration in ms or s. */
export const duration = (ms: number): string =>
  ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;

/** How long something has lasted, in its largest unit: "23 min". */
export function age(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['second', 1];
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'short' }).format(Math.trunc(seconds / size));
}
