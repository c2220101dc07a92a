import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562 §5.7): unique, and sorting by the time it was made, to the millisecond. */
export const newId = (): string => v7();

/** When an id was made. */
export const idTime = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
