import type { WantedReplay } from './start-replay.js';

/** A replay of all failed deliveries, without filters. */
export const ANY_REPLAY = {
  which: 'failed',
  since: new Date('2020-01-01T00:00:00Z'),
  accountIds: [],
  subscriptionIds: [],
  eventTypes: [],
  eventId: null,
  statuses: ['failed', 'canceled'],
  outcomes: [],
  statusCodes: [],
  triggers: [],
  ofReplayId: null,
  q: null,
  isDryRun: false,
} satisfies Partial<WantedReplay>;

type OfOne = Partial<Omit<WantedReplay, 'accountId'>> & { accountId: string; subscriptionId: string };

/** A replay of one subscription. */
export const replayOf = ({ accountId, subscriptionId, ...wanted }: OfOne): WantedReplay => ({
  ...ANY_REPLAY,
  until: new Date(Date.now() + 60_000),
  accountId,
  accountIds: [accountId],
  subscriptionIds: [subscriptionId],
  ...wanted,
});
