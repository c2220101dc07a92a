export { openDatabase, type Database } from './database.js';
export { openReader, type Reader, type ReplicaStatus } from './reader.js';
export { isDatabaseAway, isTransient, makeRetryWhileUnavailable, type RetryWhileUnavailable } from './database-away.js';
export { requireSessions, requireSessionsToRead } from './pooling/require-sessions.js';
export { readClockAhead } from './clock-ahead.js';
export { CLOCK_AHEAD_MS } from './deliveries/strict-order.js';
export { openCipher, type Cipher } from './cipher.js';
export { idTime, lowestId, newId } from './id.js';
export type { Log } from './log.js';
export { parseJson } from './json/parse-json.js';
export { responseText } from './response-text.js';
export type { Deps, Due, Enqueue, QueueName } from './deps.js';

export { putAccount } from './accounts/put-account.js';
export { deleteAccount } from './accounts/delete-account.js';
export { countErasing, eraseStep, type ErasedPart } from './accounts/erase-accounts.js';
export { openAccountFinder } from './accounts/find-account.js';
export {
  addRecipient,
  type AddRecipientResult,
  confirmEmails,
  type EmailRecipient,
  listRecipients,
  removeRecipient,
  unsubscribeEmails,
} from './emails/recipients.js';
export { type DueEmail, dropEmail, MAX_EMAIL_ATTEMPTS, takeEmails } from './emails/take-emails.js';
export { type Email, writeEmail } from './emails/write-email.js';
export { listEventTypes } from './event-types/list-event-types.js';
export { putEventType } from './event-types/put-event-types.js';
export { listEventTypeSchemas } from './event-types/list-event-type-schemas.js';
export { importEventTypes, type ImportResult } from './event-types/import-event-types.js';
export { checkSchema } from './event-types/check-schema.js';
export { compileSchema } from './event-types/compile-schema.js';
export type { Mismatch } from './publish/enforcement.js';
export { createKey } from './keys/create-key.js';
export { revokeKey } from './keys/revoke-key.js';
export { openKeyring, type Keyring, type KnownKey } from './keys/keyring.js';

export { countWrongKey } from './sessions/count-wrong-key.js';
export { endAllSessions, endPortals, endSession } from './sessions/end-sessions.js';
export { openSessionBook, type SessionBook } from './sessions/find-sessions.js';
export { openSession } from './sessions/open-session.js';
export { openAccessWatch } from './sessions/watch-access.js';
export { createPortalLink, openPortal } from './sessions/portal.js';
export { createExportLink, openExportLink, type OpenedExportLink } from './sessions/export-link.js';
export { createSignInLink, openSignInLink } from './sessions/sign-in-link.js';
export type { LiveSession } from './sessions/session.js';

export { type Change, CHANGES } from './stream/change.js';
export { NEW_EVENTS, type NewEvent } from './stream/new-event.js';
export { type Following, openFollower } from './stream/follow-rows.js';

export { beginAudit, withdrawAudit, writeAudit } from './audit/write-audit.js';
export { type Attention, listAttention } from './attention/list-attention.js';

export {
  type Draft,
  freeze,
  freezeBatch,
  freezeEvent,
  type FrozenEvent,
  readDraft,
  type Refusal,
} from './publish/freeze-event.js';
export {
  openPublisher,
  type Publisher,
  type PublishRefusal,
  type PublishRequest,
  type PublishResult,
} from './publish/publisher.js';
export { MAX_FILTERS, whyNotFilter } from './publish/passes-filter.js';
export type { PublishedEvent } from './publish/insert-events.js';

export {
  findSubscription,
  SUBSCRIPTION_PARTS,
  type Subscription,
  type SubscriptionResult,
} from './subscriptions/subscription.js';
export {
  checkRetryPolicy,
  retryPolicyOf,
  type RetryRules,
  storedSchedule,
  toRetryRules,
} from './deliver/retry-policy.js';
export { createSubscription } from './subscriptions/create-subscription.js';
export { type EnteredAuthentication, readAuthentication } from './secrets/own-access.js';
export { MAX_OWN_HEADERS_BYTES, readHeaderNames } from './secrets/own-headers.js';
export { changeSubscription } from './subscriptions/change-subscription.js';
export { testFilter } from './subscriptions/test-filter.js';
export { deleteSubscription } from './subscriptions/delete-subscription.js';
export { pauseSubscription } from './subscriptions/pause-subscription.js';
export { resumeSubscription } from './subscriptions/resume-subscription.js';
export { disableSubscription } from './subscriptions/disable-subscription.js';
export { readSecrets, rotateSecret, type Secrets } from './subscriptions/secrets.js';
export { sendTest } from './subscriptions/send-test.js';
export { checkWebhookUrl } from './verifications/start-verification.js';
export { requestVerification } from './subscriptions/request-verification.js';
export { openVerificationWait, type WaitForVerification } from './verifications/wait-for-verification.js';
export {
  openVerifier,
  type ObservedVerification,
  type Verifier,
  type VerifierOptions,
} from './verifications/attempt-verification.js';

export {
  openAttempter,
  type AttemptObserver,
  type Attempter,
  type AttemptOptions,
  type ObservedAttempt,
} from './deliver/attempt-delivery.js';
export { readWaiting, type WhyWaiting } from './deliveries/why-waiting.js';
export { openConcurrencyLimiter, type ConcurrencyLimiter } from './throttle/concurrency-limiter.js';
export { advanceReplays } from './replays/advance-replays.js';
export { cancelReplay } from './replays/cancel-replay.js';
export { findReplay, type Replay, withTallies } from './replays/replay.js';
export type { ReplayFilter } from './replays/replay-filter.js';
export { startReplay, type WantedReplay } from './replays/start-replay.js';
export { tallyReplays } from './replays/tally-replays.js';
export { requestRetry, requestRetryOfJob, type RequestRetryResult } from './deliver/request-retry.js';
export { publishOperationalEvents } from './operational-events/publish-operational-events.js';
export { catchUp } from './dispatch/catch-up.js';
export { dispatch, dispatchVerifications } from './dispatch/dispatch.js';
export { type DueWork, findDueWork } from './find-due-work.js';
export { findUnsettled } from './settle/find-unsettled.js';
export { settleStep, type Verb as SettleVerb } from './settle/settle-step.js';
export { listenForWork } from './dispatch/wake.js';
export { reclaim } from './dispatch/reclaim.js';

export { recordWorker, type WorkerSigns } from './workers/record-worker.js';
export { removeWorker } from './workers/remove-worker.js';
export { countAllSubscriptions, type SubscriptionCounts } from './ledger-metrics/count-all-subscriptions.js';
export { type LedgerMetrics, readLedgerMetrics } from './ledger-metrics/read-ledger-metrics.js';
export { expandFanOuts } from './publish/expand-fan-outs.js';
export { findExpanding } from './publish/read-fan-outs.js';
export type { DeliveryFilter } from './deliveries/delivery-filter.js';
export { countDeliveries, type DeliveryCounts } from './deliveries/count-deliveries.js';
export {
  countListed,
  type ListedDeliveries,
  type ListedDelivery,
  listDeliveries,
} from './deliveries/list-deliveries.js';
export {
  countWaiting,
  countWaitingOfAccounts,
  countWaitingOfSubscriptions,
  type WaitingCount,
} from './deliveries/count-waiting.js';
export { listAccountsByWaiting, listSubscriptionsByWaiting, type WaitingPlace } from './deliveries/list-by-waiting.js';
export { searchDeliveries } from './deliveries/search-deliveries.js';
export { hasQueueDepth, readQueueDepths, recordQueueDepth } from './ledger-metrics/queue-depths.js';
export { listReplayAccounts } from './replays/replay-accounts.js';
export { eventSearchOf, searchOf } from './search/search-text.js';
export { findMissingEvents } from './events/find-missing-events.js';
export { listEvents } from './events/list-events.js';
export { type IdRange, newestIds } from './newest-first.js';
export { type PrefixPage, type SearchPlace, searchAccounts, searchSubscriptions } from './search/search-by-prefix.js';
export { type Kind, findOwner } from './lookup/find-owner.js';
export { countSubscriptions, countSubscriptionsByType } from './subscriptions/count-subscriptions.js';
export { findShardsToFold, foldStats } from './stats/fold-stats.js';
export { shuffled } from './shards.js';
export { type Counts } from './stats/counts.js';
export {
  listAccountsBySuccess,
  type ListedBySuccess,
  listSubscriptionsBySuccess,
  type SuccessPlace,
} from './stats/list-by-success.js';
export { type Period, readStats, type StatsRead } from './stats/read-stats.js';
export {
  type Day,
  type LastDelivery,
  readAccountDays,
  readLastDeliveries,
  readSubscriptionDays,
} from './stats/read-day.js';

export { openRetention, RETAINED_TABLES, type RetainedTable } from './retention/open-retention.js';

export { pendingMigrations } from './migrate/migrate.js';
export { requireMigrated } from './migrate/require-migrated.js';
export type {
  Account,
  ApiKey,
  Attempt,
  AuditEntry,
  Delivery,
  Event,
  EventType,
  EventTypeSchema,
  Prisma,
  Session,
  Verification,
} from './generated/prisma/client.js';
