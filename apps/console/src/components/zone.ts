import { useSyncExternalStore } from 'react';

/** How times are shown: in the zone of the browser (`local`), in UTC or in a zone by its IANA name; relative or exact. */
export interface TimeDisplay {
  zone: string;
  isExact: boolean;
}

const STORED_AS = 'posthorn.times';
const DEFAULT: TimeDisplay = { zone: 'local', isExact: false };
const listeners = new Set<() => void>();
let display = read();

const shown = (): TimeDisplay => display;
export const shownZone = (): string => display.zone;
export const useTimeDisplay = (): TimeDisplay => useSyncExternalStore(listen, shown);
export const useZone = (): string => useTimeDisplay().zone;

function listen(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** Saves the choice in the browser if possible. */
export function setTimeDisplay(change: Partial<TimeDisplay>): void {
  display = { ...display, ...change };
  try {
    localStorage.setItem(STORED_AS, JSON.stringify(display));
  } catch {
    // A frame on another site may have no storage. Then the choice lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

function read(): TimeDisplay {
  try {
    const { zone, isExact }: Partial<Record<keyof TimeDisplay, unknown>> = JSON.parse(
      localStorage.getItem(STORED_AS) ?? '{}',
    );
    return {
      zone: typeof zone === 'string' && isZone(zone) ? zone : DEFAULT.zone,
      isExact: isExact === true,
    };
  } catch {
    return DEFAULT;
  }
}

function isZone(zone: string): boolean {
  try {
    if (zone !== 'local') Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The name of the browser's own zone. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const zoneName = (zone: string): string => (zone === 'local' ? `Local time (${localZone()})` : zone);

/** Creating a formatter takes about 20 ms for the first use of a zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string, timeStyle: 'long' | 'short'): Intl.DateTimeFormat {
  const key = `${timeStyle} ${zone}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle,
    ...(zone !== 'local' && { timeZone: zone }),
  });
  formats.set(key, made);
  return made;
}

/** To the second, with its zone. */
export const wholeTime = (at: string, zone: string): string => formatOf(zone, 'long').format(new Date(at));
/** To the minute. */
export const shortTime = (at: string, zone: string): string => formatOf(zone, 'short').format(new Date(at));

const MINUTE_MS = 60_000;

/** Returns the offset of a zone from UTC at a moment. */
function offsetMs(ms: number, zone: string): number {
  if (zone === 'UTC') return 0;
  if (zone === 'local') return -new Date(ms).getTimezoneOffset() * MINUTE_MS;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value);
  const clock = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return clock - Math.floor(ms / 1_000) * 1_000;
}

/** Returns the local time in a zone, to the minute, as the value of a datetime-local input. Empty: no valid time. */
export function clockTime(at: string, zone: string): string {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? '' : new Date(ms + offsetMs(ms, zone)).toISOString().slice(0, 16);
}

/** Returns the moment of a local time in a zone. If clocks are set back and two moments match, returns one of them. Empty: no valid time. */
export function momentOf(clock: string, zone: string): string {
  const asUtc = Date.parse(`${clock}Z`);
  if (Number.isNaN(asUtc)) return '';
  // A nearby moment may be on the other side of a clock change, so compute the offset a second time.
  const nearby = asUtc - offsetMs(asUtc, zone);
  return new Date(asUtc - offsetMs(nearby, zone)).toISOString();
}
