/** What a replay sends again. */
export const REPLAY_WORDS = { failed: 'Failed deliveries', missed: 'Missed events' } as const;
