import { lowestId } from '../id.js';

const AROUND_MS = 60_000;

/** Where the ids of what was created in a time range lie: indexes know ids, and what counts is created_at. An id is of the
 *  moment it was made, created_at of the moment its transaction began, maybe by another machine's clock: within a minute,
 *  which is longer than any statement may take. */
export const idsAround = ({ since, until }: { since: Date; until: Date }): { from: string; to: string } => ({
  from: lowestId(new Date(since.getTime() - AROUND_MS)),
  to: lowestId(new Date(until.getTime() + AROUND_MS)),
});
