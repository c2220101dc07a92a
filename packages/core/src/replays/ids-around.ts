import { lowestId } from '../id.js';

const AROUND_MS = 60_000;

/** Returns the range of ids of rows that were created in a time range. Indexes contain ids, but the filter is created_at. An id has the time of
 *  its creation, created_at the time when the transaction began, possibly by another machine's clock. They differ by less than a minute,
 *  which is longer than any statement may take. */
export const idsAround = ({ since, until }: { since: Date; until: Date }): { from: string; to: string } => ({
  from: lowestId(new Date(since.getTime() - AROUND_MS)),
  to: lowestId(new Date(until.getTime() + AROUND_MS)),
});
