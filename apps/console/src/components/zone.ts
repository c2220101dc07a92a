import { useSyncExternalStore } from 'react';

/** The time zone of the times shown: the viewer's, or UTC. */
export type Zone = 'own' | 'UTC';

const STORED_AS = 'posthorn.zone';
const listeners = new Set<() => void>();
let zone: Zone = read();

export const shownZone = (): Zone => zone;
export const useZone = (): Zone => useSyncExternalStore(listen, shownZone);

function listen(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** Remembers the zone in the browser, if storage is available. */
export function setZone(next: Zone): void {
  zone = next;
  try {
    localStorage.setItem(STORED_AS, next);
  } catch {
    // A frame of another site may have no storage. Then the choice lasts for this visit.
  }
  for (const listener of listeners) listener();
}

function read(): Zone {
  try {
    return localStorage.getItem(STORED_AS) === 'UTC' ? 'UTC' : 'own';
  } catch {
    return 'own';
  }
}

const formats = {
  own: { whole: formatOf('long'), short: formatOf('short') },
  UTC: { whole: formatOf('long', 'UTC'), short: formatOf('short', 'UTC') },
};

function formatOf(timeStyle: 'long' | 'short', timeZone?: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle, ...(timeZone && { timeZone }) });
}

/** A time to the second, with its zone. */
export const wholeTime = (at: string, of: Zone): string => formats[of].whole.format(new Date(at));
/** A time to the minute. */
export const shortTime = (at: string, of: Zone): string => formats[of].short.format(new Date(at));
