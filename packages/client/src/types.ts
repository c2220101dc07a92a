import type { components, operations, webhooks } from './generated/api.js';

type Schemas = components['schemas'];

export type Account = Schemas['Account'];
export type Attempt = Schemas['Attempt'];
export type ChangedSubscription = Schemas['ChangedSubscription'];
export type CreatedKey = Schemas['CreatedKey'];
export type DeletedAccount = Schemas['DeletedAccount'];
export type Delivery = Schemas['Delivery'];
export type DeliveryDetail = Schemas['DeliveryDetail'];
export type Event = Schemas['Event'];
export type EventDetail = Schemas['EventDetail'];
export type EventType = Schemas['EventType'];
export type EventTypeSchema = Schemas['EventTypeSchema'];
export type FilterTest = Schemas['FilterTest'];
export type ImportedEventTypes = Schemas['ImportedEventTypes'];
export type Key = Schemas['Key'];
export type ListCount = Schemas['ListCount'];
export type MissingEvent = Schemas['MissingEvents']['data'][number];
export type PortalLink = Schemas['PortalLink'];
export type PublishedEvent = Schemas['PublishedEvent'];
export type Replay = Schemas['Replay'];
export type ReplayAccount = Schemas['ReplayAccount'];
export type ReplayPreview = Schemas['ReplayPreview'];
export type Secrets = Schemas['Secrets'];
export type Subscription = Schemas['Subscription'];
export type TestSent = Schemas['TestSent'];

export type PutAccount = Schemas['PutAccount'];
export type CreateKey = Schemas['CreateKey'];
export type CreatePortalLink = Schemas['CreatePortalSession'];
export type CreateSubscription = Schemas['CreateSubscription'];
export type ChangeSubscription = Schemas['ChangeSubscription'];
export type DisableSubscription = Schemas['DisableSubscription'];
export type PutEventType = Schemas['PutEventType'];
export type RotateSecret = Schemas['RotateSecret'];
export type KnownEvent = Schemas['FindMissingEvents']['events'][number];
export type StartReplay = Schemas['StartReplay'];
export type StartReplayOfAccounts = Schemas['StartReplayOfAccounts'];
export type TestFilter = Schemas['TestFilter'];

/** The parameters of a query, such as `QueryOf<'deliveries.list'>`. */
export type QueryOf<Operation extends keyof operations> = operations[Operation] extends {
  parameters: { query?: infer Query };
}
  ? NonNullable<Query>
  : never;

/** The payload of each event type. Declare yours and pass it to `Posthorn`, `verify` and `handleWebhook`:
 *
 *      interface Events { 'message:created': { id: string; body: string } } */
export type EventMap<Events> = { [Type in keyof Events]: object };

/** The payloads of a client that declares none. */
export type AnyEvents = Record<string, Record<string, unknown>>;

/** An event to publish. */
export type NewEvent<Events extends EventMap<Events> = AnyEvents> = {
  [Type in keyof Events & string]: {
    event: Type;
    payload: Events[Type];
    /** Publishing twice with one key publishes once: 1 to 255 printable ASCII characters. Default: a random one, so that retries of the
     *  client publish once. Use an id of your own if your code may repeat the call. */
    idempotencyKey?: string | undefined;
  };
}[keyof Events & string];

type PayloadOf<Webhook> = Webhook extends {
  post: { requestBody: { content: { 'application/json': { payload: infer Payload } } } };
}
  ? Payload
  : never;
type OperationalType = 'subscription:disabled' | 'subscription:failing' | 'subscription:recovered' | 'delivery:failed';

/** The payloads of Posthorn's own events. */
export type OperationalEvents = { [Type in OperationalType]: PayloadOf<webhooks[Type]> };
