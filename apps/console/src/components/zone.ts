import { useSyncExternalStore } from 'react';

/** Of the times that are shown: the viewer's, or UTC. */
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

/** Remembered by the browser, where it lets us. */
export function setZone(next: Zone): void {
  zone = next;
  try {
    localStorage.setItem(STORED_AS, next);
  } catch {
    // In a frame of another site there may be no storage: then it holds for this visit.
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

/** To the second, with its zone. */
export const wholeTime = (at: string, of: Zone): string => formats[of].whole.format(new Date(at));
/** To the minute. */
export const shortTime = (at: string, of: Zone): string => formats[of].short.format(new Date(at));
