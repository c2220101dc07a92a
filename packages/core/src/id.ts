import { v7 } from 'uuid';

/** Returns a new UUIDv7 (RFC 9562 §5.7): unique and sortable by its creation time, to the millisecond. */
export const newId = (): string => v7();

/** Returns when an id was created. */
export const idTime = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));

const LAST_MS = 2 ** 48 - 1;

/** Returns the lowest possible id of this millisecond, to turn a time range into an id range. */
export function lowestId(time: Date): string {
  const hex = Math.min(Math.max(0, time.getTime()), LAST_MS).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Returns the id before this one, in the order of ids. */
export function idBefore(id: string): string {
  const number = BigInt(`0x${id.replaceAll('-', '')}`);
  const hex = (number === 0n ? 0n : number - 1n).toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
