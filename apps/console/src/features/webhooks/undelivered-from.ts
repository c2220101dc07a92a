import type { Subscription } from '@posthorn/contract';

/** Deliveries are created before their first failure. */
const MARGIN_MS = 60 * 60 * 1_000;

/** Since when deliveries of a disabled webhook may not have been delivered. */
export const undeliveredFrom = ({
  failingSince,
  statusChangedAt,
}: Pick<Subscription, 'failingSince' | 'statusChangedAt'>): string =>
  new Date(Date.parse(failingSince ?? statusChangedAt) - MARGIN_MS).toISOString();
