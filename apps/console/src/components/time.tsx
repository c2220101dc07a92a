import type { PointerEvent } from 'react';
import { useNow } from './clock.js';
import { shownZone, useZone, wholeTime } from './zone.js';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** How far a moment is from now: "in 4 min.", "2 hr. ago". */
export function tellTime(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1_000);
  if (Math.abs(seconds) < 5) return 'now';
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** A moment, told relatively; the absolute one is at hand by hover and in the markup, or `isWhole` beside it. */
export function Time({ at, isWhole = false }: { at: string | null; isWhole?: boolean }) {
  const now = useNow();
  if (at === null) return <span className="muted">—</span>;
  if (!isWhole) return <Moment at={at} told={tellTime(at, now)} />;
  return (
    <time dateTime={at} className="number">
      {tellTime(at, now)}
      <WholeTime at={at} />
    </time>
  );
}

function WholeTime({ at }: { at: string }) {
  return <span className="muted"> · {wholeTime(at, useZone())}</span>;
}

/** The same where many are told, by one look at the clock. */
export function Moment({ at, told }: { at: string; told: string }) {
  return (
    <time dateTime={at} onPointerEnter={tellWhole}>
      {told}
    </time>
  );
}

/** Told when it is pointed at: a browser's first use of a zone's name takes some 20 ms. */
function tellWhole({ currentTarget }: PointerEvent<HTMLTimeElement>): void {
  currentTarget.title = wholeTime(currentTarget.dateTime, shownZone());
}

/** How long something took. */
export const duration = (ms: number): string =>
  ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
