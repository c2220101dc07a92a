// Without zod, because the console imports it.

/** Counts of the ledger stop here. */
export const MOST_COUNTED = 10_000;
