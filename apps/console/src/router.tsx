import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  Link,
  useRouter,
} from '@tanstack/react-router';
import { call } from './api/call.js';
import { basePath, isPortal } from './api/place.js';
import { Frame } from './features/navigation/frame.js';
import { Empty, Failed } from './components/states.js';

// Paths mirror the API's. Each screen is a file of its own that is fetched when it is first shown, or pointed at.

// A file that cannot be fetched while the server is away is an error of that screen. If the server is there, it has a newer console
// without that file: then the library loads the page anew.
const lazily: typeof lazyRouteComponent = (load, name) =>
  lazyRouteComponent(
    () =>
      load().catch(async (error: unknown) => {
        await call('GET', '/livez');
        throw error;
      }),
    name,
  );

function FailedScreen({ error, reset }: ErrorComponentProps) {
  const { invalidate } = useRouter();
  return <Failed what="this screen" error={error} onRetry={() => void invalidate().then(reset)} />;
}

const rootRoute = createRootRoute({
  component: Frame,
  notFoundComponent: () => (
    <Empty title="There is nothing here" act={<Link to="/">Back to the start</Link>}>
      The address may be misspelled.
    </Empty>
  ),
});
const root = () => rootRoute;

/** What the address bar says of a list. Numbers and lists are kept as text, under the API's own names. */
export interface ListSearch {
  status?: string;
  eventType?: string;
  subscription?: string;
  event?: string;
  range?: string;
  account?: string;
  action?: string;
  actor?: string;
  actorId?: string;
  from?: string;
  to?: string;
  limit?: string;
  cursor?: string;
  /** Of a replay. */
  which?: string;
  /** The one that is open beside the list. */
  delivery?: string;
}
const NAMES = [
  'status',
  'eventType',
  'subscription',
  'event',
  'range',
  'account',
  'action',
  'actor',
  'actorId',
  'from',
  'to',
  'limit',
  'cursor',
  'which',
  'delivery',
] as const;
const validateSearch = (search: Record<string, unknown>): ListSearch =>
  Object.fromEntries(NAMES.flatMap((name) => (typeof search[name] === 'string' ? [[name, search[name]]] : [])));

const home = createRoute({
  getParentRoute: root,
  path: '/',
  component: lazily(() => import('./features/operate/home.js'), 'Home'),
  validateSearch,
});
const accounts = createRoute({
  getParentRoute: root,
  path: '/accounts',
  component: lazily(() => import('./features/accounts/accounts.js'), 'Accounts'),
  validateSearch,
});
const queues = createRoute({
  getParentRoute: root,
  path: '/queues',
  component: lazily(() => import('./features/operate/queues.js'), 'QueuesScreen'),
});
const attention = createRoute({
  getParentRoute: root,
  path: '/attention',
  component: lazily(() => import('./features/operate/attention.js'), 'AttentionScreen'),
  validateSearch,
});
const audit = createRoute({
  getParentRoute: root,
  path: '/audit',
  component: lazily(() => import('./features/operate/audit.js'), 'Audit'),
  validateSearch,
});
const settings = createRoute({
  getParentRoute: root,
  path: '/settings',
  component: lazily(() => import('./features/operate/settings.js'), 'SettingsScreen'),
});
const eventTypes = createRoute({
  getParentRoute: root,
  path: '/event-types',
  component: lazily(() => import('./features/catalogue/event-types.js'), 'EventTypes'),
});
const eventType = createRoute({
  getParentRoute: root,
  path: '/event-types/$name',
  component: lazily(() => import('./features/catalogue/event-types.js'), 'EventTypeScreen'),
});

const account = createRoute({
  getParentRoute: root,
  path: '/accounts/$account',
  component: lazily(() => import('./features/deliveries/delivery-drawer.js'), 'AccountScreen'),
  validateSearch,
});
const ofAccount = () => account;
const integrations = createRoute({
  getParentRoute: ofAccount,
  path: '/integrations',
  component: lazily(() => import('./features/webhooks/integrations.js'), 'Integrations'),
  validateSearch,
});
const subscription = createRoute({
  getParentRoute: ofAccount,
  path: '/subscriptions/$subscription',
  component: lazily(() => import('./features/webhooks/subscription.js'), 'SubscriptionScreen'),
});
const ofSubscription = () => subscription;
const subscriptionOverview = createRoute({
  getParentRoute: ofSubscription,
  path: '/',
  component: lazily(() => import('./features/webhooks/subscription-overview.js'), 'SubscriptionOverview'),
  validateSearch,
});
const subscriptionDeliveries = createRoute({
  getParentRoute: ofSubscription,
  path: '/deliveries',
  component: lazily(() => import('./features/deliveries/deliveries.js'), 'Deliveries'),
  validateSearch,
});
const subscriptionTest = createRoute({
  getParentRoute: ofSubscription,
  path: '/test',
  component: lazily(() => import('./features/webhooks/subscription-test.js'), 'SubscriptionTest'),
});
const subscriptionReplay = createRoute({
  getParentRoute: ofSubscription,
  path: '/replay',
  component: lazily(() => import('./features/replays/start-replay.js'), 'StartReplay'),
  validateSearch,
});
const subscriptionSettings = createRoute({
  getParentRoute: ofSubscription,
  path: '/settings',
  component: lazily(() => import('./features/webhooks/subscription-settings.js'), 'SubscriptionSettings'),
});
const deliveries = createRoute({
  getParentRoute: ofAccount,
  path: '/deliveries',
  component: lazily(() => import('./features/deliveries/deliveries.js'), 'Deliveries'),
  validateSearch,
});
const delivery = createRoute({
  getParentRoute: ofAccount,
  path: '/deliveries/$delivery',
  component: lazily(() => import('./features/deliveries/delivery.js'), 'DeliveryScreen'),
});
const events = createRoute({
  getParentRoute: ofAccount,
  path: '/events',
  component: lazily(() => import('./features/events/events.js'), 'Events'),
  validateSearch,
});
const event = createRoute({
  getParentRoute: ofAccount,
  path: '/events/$event',
  component: lazily(() => import('./features/events/event.js'), 'EventScreen'),
});
const replays = createRoute({
  getParentRoute: ofAccount,
  path: '/replays',
  component: lazily(() => import('./features/replays/replays.js'), 'Replays'),
  validateSearch,
});
const replay = createRoute({
  getParentRoute: ofAccount,
  path: '/replays/$replay',
  component: lazily(() => import('./features/replays/replays.js'), 'ReplayScreen'),
});
const keys = createRoute({
  getParentRoute: ofAccount,
  path: '/keys',
  component: lazily(() => import('./features/keys/keys.js'), 'Keys'),
});

export const router = createRouter({
  // A portal keeps its own path, so that a reload of it is a portal, too.
  basepath: isPortal ? `${basePath}portal` : basePath,
  scrollRestoration: true,
  defaultPreload: 'intent',
  defaultErrorComponent: FailedScreen,
  routeTree: rootRoute.addChildren([
    home,
    accounts,
    queues,
    attention,
    audit,
    settings,
    eventTypes,
    eventType,
    account.addChildren([
      integrations,
      subscription.addChildren([
        subscriptionOverview,
        subscriptionDeliveries,
        subscriptionTest,
        subscriptionReplay,
        subscriptionSettings,
      ]),
      deliveries,
      delivery,
      events,
      event,
      replays,
      replay,
      keys,
    ]),
  ]),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
