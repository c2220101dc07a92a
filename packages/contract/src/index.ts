export { Account, AccountList, AccountQuery, AccountStats, DeletedAccount, Metadata, PutAccount } from './account.js';
export {
  ATTEMPT_OUTCOMES,
  ATTEMPT_TRIGGERS,
  AttemptOutcome,
  AttemptTrigger,
  DELIVERY_STATUSES,
  DeliveryStatus,
} from './delivery-status.js';
export { DeliveryFilter, REPLAYABLE_STATUSES } from './delivery-filter.js';
export {
  Attempt,
  Delivery,
  DeliveryCountQuery,
  DeliveryDetail,
  DeliveryExportQuery,
  DeliveryList,
  DeliveryQuery,
  LastAttempt,
} from './delivery.js';
export {
  MAX_WAITING_OF_ROW,
  Waiting,
  WAITING_STATES,
  WaitingDeliveries,
  WaitingOfRow,
  WaitingQuery,
  type WaitingState,
} from './waiting.js';
export { type Advice, attemptAdvice, type AttemptProblem } from './attempt-advice.js';
export { Attention, ATTENTION_REASONS, AttentionList } from './attention.js';
export { Authentication, AuthenticationInput, CLIENT_AUTHENTICATIONS, MAX_PEM_CHARACTERS } from './authentication.js';
export {
  AccountAuditExportQuery,
  AccountAuditQuery,
  AuditEntry,
  AuditExportQuery,
  AuditList,
  AuditQuery,
} from './audit.js';
export { AUDIT_OBJECTS, AUDIT_WORDS, auditActionText, fieldWords } from './audit-words.js';
export { DisableSubscription } from './disable-subscription.js';
export { FilterTest, TestFilter } from './filter-test.js';
export { checkFilter } from './payload-filter.js';
export { AddEmailRecipient, EmailRecipient, EmailRecipients } from './email-recipient.js';
export {
  EVENT_TYPE_NAME,
  EventType,
  EventTypeList,
  EventTypeName,
  EventTypePattern,
  EventTypeSchema,
  EventTypeSchemaList,
  ImportedEventTypes,
  ImportQuery,
  OpenapiDocument,
  PutEventType,
} from './event-type.js';
export {
  DeliveryCounts,
  DeliveryState,
  Event,
  EventDetail,
  EventExportQuery,
  EventList,
  EventQuery,
  FindMissingEvents,
  IdempotencyKey,
  MissingEvents,
  PublishedEvent,
  PublishedEvents,
  PublishEvent,
  PublishEvents,
} from './event.js';
export { type ExportFormat, ExportLink, ExportLinkState, OpenExportLinkQuery } from './export-link.js';
export {
  AccountId,
  AuditId,
  AnyId,
  AttemptId,
  DeliveryId,
  EmailRecipientId,
  EventId,
  ExportLinkId,
  type IdPrefix,
  KeyId,
  prefixOf,
  ReplayId,
  SessionId,
  SubscriptionId,
  toTypeId,
  toUuid,
  uuidRange,
} from './id.js';
export { CreatedKey, CreateKey, Key, KeyList, Scope } from './key.js';
export { DEFAULT_CAPABILITIES, SCOPES } from './scopes.js';
export { ListCount, listOf, ListQuery, MAX_COUNT, oneOrMore, ReadLagSeconds } from './list.js';
export { Lookup } from './lookup.js';
export { Setting, Settings } from './settings.js';
export { Health, HealthCheck } from './health.js';
export { MASK } from './mask.js';
export {
  ACCOUNT_NOTIFICATIONS,
  isForOperatorsOnly,
  isOperational,
  type OperationalEvent,
  OPERATIONAL_EVENTS,
  type OperationalEventType,
} from './operational-event.js';
export { Problem, type ProblemCode, problemCodes, PROBLEMS } from './problem.js';
export { MOST_COUNTED } from './most-counted.js';
export { QueueDepths, QueueDepthsQuery, Queues } from './queues.js';
export {
  Replay,
  ReplayAccount,
  ReplayAccountList,
  ReplayList,
  ReplayOfAccountsQuery,
  ReplayPreview,
  ReplayQuery,
  ReplayWhich,
  StartReplay,
  StartReplayOfAccounts,
} from './replay.js';
export {
  CreatePortalSession,
  CreateSession,
  OpenPortalSession,
  PortalLink,
  PortalSession,
  Session,
  SESSION_KINDS,
  SessionItem,
  SessionKind,
  SessionList,
  Theme,
  BoardLink,
  OpenSignInLink,
  SignInLink,
} from './session.js';
export {
  EventStreamHeaders,
  EventStreamQuery,
  StreamedAttempt,
  StreamedDelivery,
  StreamedEvent,
  StreamHeaders,
  StreamQuery,
} from './stream.js';
export {
  AccountStatsQuery,
  DayStats,
  PeriodStats,
  GRANULARITIES,
  Granularity,
  Stats,
  StatsPeriod,
  StatsQuery,
} from './stats.js';
export {
  Circuit,
  Outage,
  ChangeSubscription,
  CreateSubscription,
  RotateSecret,
  Secrets,
  Subscription,
  SUBSCRIPTION_STATUSES,
  ChangedSubscription,
  SubscriptionList,
  SubscriptionQuery,
  SubscriptionSearchQuery,
  SubscriptionStats,
  SubscriptionStatus,
  TestEvent,
  TestSent,
  Verification,
} from './subscription.js';
export { isStorable, jsonObject, type JsonObject, type JsonValue, text } from './text.js';
export {
  attentionWords,
  DELIVERY_WORDS,
  DISABLED_REASONS,
  explainVerification,
  FAILING_WORDS,
  fill,
  HANDSHAKE_SNIPPET,
  OUTCOME_TITLES,
  OUTCOME_WORDS,
  SCOPE_HELP,
  SCOPE_WORDS,
  SUBSCRIPTION_WORDS,
  type Tone,
  TRIGGER_WORDS,
  verificationWords,
  WAITING_HELP,
  WAITING_WORDS,
} from './vocabulary.js';
