/** How long a delivery may be in the queue's hands before the feeder asks after it. Longer than an attempt's 15 s and the
 *  queue's own recovery of a crashed worker's jobs; enqueueing what the queue still has is ignored there. */
export const LEASE_SECONDS = 60;

/** Whether `feed_at` of a delivery `d` is the end of a lease. The feeder also looks after a delivery that waits in the ledger, at the
 *  latest when it is due; it looks after a leased one only later. A retry that sleeps in the queue is leased from when it is due, so for the
 *  LEASE_SECONDS before `feed_at`. To the letter the condition of pending_deliveries_leased_idx. */
export const IS_LEASED = `d.feed_at > d.due_at`;
