import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562 §5.7): unique, and sorting by the time it was made, to the millisecond. */
export const newId = (): string => v7();

/** When an id was made. */
export const idTime = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));

const LAST_MS = 2 ** 48 - 1;

/** The lowest there is of the ids made in this millisecond or later: a range of time as a range of ids. */
export function lowestId(time: Date): string {
  const hex = Math.min(Math.max(0, time.getTime()), LAST_MS).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
