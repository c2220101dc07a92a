export { type ConnectionOptions } from './api.js';
export { ApiProblem, ApiUnreachable, PosthornError, type ProblemCode } from './errors.js';
export type {
  Followed,
  FollowedAttempt,
  FollowedDelivery,
  FollowedEvent,
  FollowedEvents,
  FollowEventsOptions,
  FollowOptions,
} from './follow.js';
export { List } from './list.js';
export { Posthorn } from './posthorn.js';
export { type CallOptions, type Routes } from './routes.js';
export { type TestOf } from './subscriptions.js';
export type {
  Account,
  AnyEvents,
  Attempt,
  ChangedSubscription,
  ChangeSubscription,
  CreatedKey,
  CreateKey,
  CreatePortalLink,
  CreateSubscription,
  DeletedAccount,
  Delivery,
  DeliveryDetail,
  DisableSubscription,
  Event,
  EventDetail,
  EventMap,
  EventType,
  Key,
  ListCount,
  NewEvent,
  OperationalEvents,
  PortalLink,
  PublishedEvent,
  PutAccount,
  PutEventType,
  QueryOf,
  Replay,
  ReplayAccount,
  ReplayPreview,
  RotateSecret,
  Secrets,
  StartReplay,
  StartReplayOfAccounts,
  Subscription,
  TestSent,
} from './types.js';
export {
  type RawBody,
  readChallenge,
  type RequestHeaders,
  type Secret,
  type VerificationCode,
  verify,
  type WebhookEvent,
  type WebhookEventOf,
  WebhookVerificationError,
} from './webhooks/verify.js';
