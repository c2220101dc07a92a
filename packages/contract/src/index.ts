export { Account, AccountList, Metadata, PutAccount } from './account.js';
export {
  Attempt,
  ATTEMPT_OUTCOMES,
  ATTEMPT_TRIGGERS,
  AttemptOutcome,
  AttemptTrigger,
  Delivery,
  DELIVERY_STATUSES,
  DeliveryDetail,
  DeliveryList,
  DeliveryQuery,
  DeliveryStatus,
} from './delivery.js';
export { AccountAuditQuery, AuditEntry, AuditList, AuditQuery } from './audit.js';
export { DisableSubscription } from './disable-subscription.js';
export {
  EVENT_TYPE_NAME,
  EventType,
  EventTypeList,
  EventTypeName,
  EventTypePattern,
  PutEventType,
} from './event-type.js';
export {
  DeliveryState,
  Event,
  EventDetail,
  EventList,
  EventQuery,
  IdempotencyKey,
  PublishedEvent,
  PublishedEvents,
  PublishEvent,
  PublishEvents,
} from './event.js';
export {
  AccountId,
  AuditId,
  AttemptId,
  DeliveryId,
  EventId,
  type IdPrefix,
  KeyId,
  RecoveryId,
  SessionId,
  SubscriptionId,
  toTypeId,
  toUuid,
} from './id.js';
export { CreatedKey, CreateKey, Key, KeyList, Scope, SCOPES } from './key.js';
export { listOf, ListQuery, oneOrMore } from './list.js';
export {
  isOperational,
  type OperationalEvent,
  OPERATIONAL_EVENTS,
  type OperationalEventType,
} from './operational-event.js';
export { Problem, type ProblemCode, problemCodes, PROBLEMS } from './problem.js';
export { Queues } from './queues.js';
export { Recover, Recovery, RecoveryList, RecoveryPreview, RecoveryQuery } from './recovery.js';
export {
  CAPABILITIES,
  CreatePortalSession,
  CreateSession,
  DEFAULT_CAPABILITIES,
  OpenPortalSession,
  PortalLink,
  PortalSession,
  Session,
  SESSION_KINDS,
  SessionItem,
  SessionKind,
  SessionList,
  Theme,
} from './session.js';
export { StreamedAttempt, StreamedDelivery, StreamHeaders, StreamQuery } from './stream.js';
export {
  Breaker,
  ChangeSubscription,
  CreateSubscription,
  MASK,
  RotateSecret,
  Secrets,
  Subscription,
  SUBSCRIPTION_STATUSES,
  SubscriptionList,
  SubscriptionQuery,
  SubscriptionStatus,
  TestEvent,
  TestSent,
  Verification,
} from './subscription.js';
export { isStorable, jsonObject, type JsonObject, type JsonValue, text } from './text.js';
export {
  DELIVERY_WORDS,
  DISABLED_REASONS,
  explainVerification,
  type Explanation,
  fill,
  HANDSHAKE_SNIPPET,
  OUTCOME_WORDS,
  type StatusWords,
  SUBSCRIPTION_WORDS,
  type Tone,
  TRIGGER_WORDS,
  VERIFICATION_WORDS,
} from './vocabulary.js';
