import { accountsOf, keysOf } from './accounts.js';
import { type ConnectionOptions, openApi } from './api.js';
import { deliveriesOf } from './deliveries.js';
import { eventTypesOf } from './event-types.js';
import { eventsOf } from './events.js';
import { portalsOf } from './portals.js';
import { replaysOf } from './replays.js';
import type { Routes } from './routes.js';
import { subscriptionsOf } from './subscriptions.js';
import type { AnyEvents, EventMap } from './types.js';

/** A client of Posthorn's API. It holds no connection and needs no closing. Every call throws ApiProblem for an error response and
 *  ApiUnreachable without a response. `Events` declares your event types and their payloads. */
export class Posthorn<Events extends EventMap<Events> = AnyEvents> {
  readonly accounts: ReturnType<typeof accountsOf>;
  readonly keys: ReturnType<typeof keysOf>;
  readonly events: ReturnType<typeof eventsOf<Events>>;
  readonly eventTypes: ReturnType<typeof eventTypesOf>;
  readonly subscriptions: ReturnType<typeof subscriptionsOf<Events>>;
  readonly deliveries: ReturnType<typeof deliveriesOf>;
  readonly replays: ReturnType<typeof replaysOf>;
  readonly portals: ReturnType<typeof portalsOf>;
  /** `events.publish`. */
  readonly publish: ReturnType<typeof eventsOf<Events>>['publish'];
  /** `events.publishBatch`. */
  readonly publishBatch: ReturnType<typeof eventsOf<Events>>['publishBatch'];
  /** Every route of the API, by its path: `posthorn.routes.GET('/v1/accounts/{account}/stats', …)`. */
  readonly routes: Routes;

  constructor(options: ConnectionOptions) {
    const api = openApi(options);
    this.accounts = accountsOf(api);
    this.keys = keysOf(api);
    this.events = eventsOf<Events>(api);
    this.eventTypes = eventTypesOf(api);
    this.subscriptions = subscriptionsOf<Events>(api);
    this.deliveries = deliveriesOf(api);
    this.replays = replaysOf(api);
    this.portals = portalsOf(api);
    this.publish = this.events.publish;
    this.publishBatch = this.events.publishBatch;
    this.routes = api.routes;
  }
}
