import type { Page } from 'playwright-core';
import type { SeedData } from '@posthorn/testing';

/** A screen in one of its states. */
export interface Screen {
  name: string;
  path: (seed: SeedData) => string;
  /** Runs before the screen opens, such as to set the API's responses. */
  given?: (page: Page) => Promise<unknown>;
  /** Runs after the screen has opened, such as to open a dialog. */
  when?: (page: Page) => Promise<unknown>;
  /** Text that shows that the screen is ready. */
  shows: RegExp;
}

const acme = (rest: string) => (seed: SeedData) => `/accounts/${seed.account}${rest}`;
const webhook = (rest: string) => (seed: SeedData) => `/accounts/${seed.account}/subscriptions/${seed.webhook}${rest}`;
const globex = (rest: (seed: SeedData) => string) => (seed: SeedData) => `/accounts/globex${rest(seed)}`;
const empty = (rest: string) => (seed: SeedData) => `/accounts/${seed.empty}${rest}`;

export const SCREENS: Screen[] = [
  { name: 'overview', path: () => '/', shows: /Needs attention/ },
  { name: 'what needs attention', path: () => '/attention', shows: /staging|127\.0\.0\.1/ },
  { name: 'settings', path: () => '/settings', shows: /API_PORT/ },
  { name: 'accounts', path: () => '/accounts', shows: /Globex Travel/ },
  { name: 'queues', path: () => '/queues', shows: /Running/ },
  { name: 'audit log', path: () => '/audit?account=acme', shows: /Created API key/ },
  { name: 'event types', path: () => '/event-types', shows: /message:created/ },
  { name: 'event type', path: () => '/event-types/message:created', shows: /Example/ },
  { name: 'integrations', path: acme('/integrations'), shows: /Nightly reports/ },
  { name: 'events', path: acme('/events'), shows: /message:created/ },
  { name: 'event', path: (seed) => acme(`/events/${seed.event}`)(seed), shows: /zoe@example\.com/ },
  { name: 'deliveries', path: acme('/deliveries'), shows: /Held/ },
  {
    name: 'delivery',
    path: (seed) => acme(`/deliveries/${seed.delivery}`)(seed),
    shows: /Delivered: endpoint returned/,
  },
  {
    name: 'delivery failed',
    path: (seed) => acme(`/deliveries/${seed.failedDelivery}`)(seed),
    shows: /Endpoint returned 503/,
  },
  { name: 'replays', path: globex(() => '/replays'), shows: /Completed/ },
  { name: 'replay', path: globex((seed) => `/replays/${seed.replay}`), shows: /1 of 1/ },
  { name: 'keys', path: acme('/keys'), shows: /Reporting/ },
  { name: 'webhook', path: webhook(''), shows: /succeeded/i },
  { name: 'webhook deliveries', path: webhook('/deliveries'), shows: /Succeeded/ },
  { name: 'webhook testing', path: webhook('/test'), shows: /Payload/ },
  { name: 'webhook replay', path: webhook('/replay'), shows: /Preview/ },
  { name: 'replay new', path: globex(() => '/replays/new?status=failed'), shows: /Preview/ },
  { name: 'all replays', path: () => '/replays', shows: /Completed/ },
  { name: 'all replays new', path: () => '/replays/new', shows: /Preview/ },
  { name: 'webhook settings', path: webhook('/settings'), shows: /Signing secret/ },
  {
    name: 'webhook failing',
    path: (seed) => acme(`/subscriptions/${seed.failingWebhook}`)(seed),
    shows: /Every attempt has failed since/,
  },
  {
    name: 'webhook disabled',
    path: (seed) => acme(`/subscriptions/${seed.disabledWebhook}`)(seed),
    shows: /the endpoint returned 410 Gone/,
  },
  {
    name: 'webhook unverified',
    path: (seed) => acme(`/subscriptions/${seed.unverifiedWebhook}`)(seed),
    shows: /Unexpected response body/,
  },
];

const problem = JSON.stringify({
  type: 'about:blank',
  title: 'Something went wrong here',
  status: 500,
  code: 'internal_error',
  detail: 'The database is not responding.',
  requestId: '9b2f64c1d0e84f0aa1c7',
});
/** From now on, the API of accounts returns this problem. */
const failing = (page: Page) =>
  page.route('**/v1/accounts/**', (route) =>
    route.fulfill({ status: 500, contentType: 'application/problem+json', body: problem }),
  );
/** From now on, these paths of the API return these bodies. */
const returning = (bodies: Record<string, object>) => async (page: Page) => {
  for (const [path, body] of Object.entries(bodies))
    await page.route(path, (route) =>
      route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify(body) }),
    );
};
const AT = '2026-11-21T18:55:00.000Z';
/** Relative, so that the screen shows the same words on any day. */
const EIGHT_DAYS_AGO = new Date(Date.now() - 8 * 24 * 60 * 60 * 1_000).toISOString();
const depths = (of: (hour: number) => { waiting: number | null; deferred: number | null }) => ({
  granularity: 'hour',
  buckets: Array.from({ length: 24 }, (_, hour) => ({
    at: `2026-11-21T${String(hour).padStart(2, '0')}:00:00.000Z`,
    ...of(hour),
  })),
});
/** A replay of operators with an account whose id and numbers are as long as possible. */
const replayOfAccounts = {
  id: 'rpl_01jd4q8y3ne9mav5w2xkq7rf0c',
  accountId: null,
  which: 'failed',
  accounts: null,
  subscriptions: null,
  eventTypes: null,
  event: null,
  statuses: ['failed', 'canceled'],
  outcomes: ['timeout'],
  statusCodes: ['5xx', '429'],
  triggers: ['auto'],
  replay: null,
  q: `${'a-long-text-of-a-payload-'.repeat(4)}ada@example.com`,
  since: EIGHT_DAYS_AGO,
  until: EIGHT_DAYS_AGO,
  status: 'delivering',
  matched: 10_000,
  more: true,
  queued: 1_234_567,
  delivered: 1_000_000,
  failed: 4_567,
  pending: 230_000,
  createdAt: EIGHT_DAYS_AGO,
  endedAt: null,
};
const accountsOfReplay = {
  data: ['acme', 'x'.repeat(64)].map((accountId) => ({
    accountId,
    queued: 617_283,
    delivered: 500_000,
    failed: 2_283,
    pending: 115_000,
  })),
  nextCursor: null,
};
const silent = (page: Page) => page.route('**/v1/accounts/**', () => {});
const press = (name: RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();

/** From now on, the responses of these paths have these fields. */
const changing = (fields: Record<string, object>) => async (page: Page) => {
  for (const [path, changed] of Object.entries(fields))
    await page.route(path, async (route) => {
      const response = await route.fetch({ timeout: 0 });
      await route.fulfill({ response, json: { ...(await response.json()), ...changed } });
    });
};

/** Loading, failed and empty states, lists without a match, and dialogs. */
export const STATES: Screen[] = [
  {
    name: 'queues with millions of jobs',
    path: () => '/queues',
    given: returning({
      '**/v1/queues/depths*': depths((hour) =>
        hour % 7 === 3
          ? { waiting: null, deferred: null }
          : { waiting: hour * 43_478_260_869, deferred: Math.min(10_000, hour * 900) },
      ),
    }),
    shows: /Running/,
  },
  {
    name: 'queues without samples',
    path: () => '/queues?range=15m',
    given: returning({ '**/v1/queues/depths*': depths(() => ({ waiting: null, deferred: null })) }),
    shows: /No samples in this time range yet/,
  },
  {
    name: 'replay of all accounts',
    path: () => `/replays/${replayOfAccounts.id}`,
    given: returning({
      [`**/v1/replays/${replayOfAccounts.id}`]: replayOfAccounts,
      [`**/v1/replays/${replayOfAccounts.id}/accounts*`]: accountsOfReplay,
    }),
    shows: /acme/,
  },
  {
    name: 'replay by text',
    path: globex(() => '/replays/new?q=zoe%40example&statusCode=503&replay=rpl_01jd4q8y3ne9mav5w2xkq7rf0c'),
    shows: /searches a few hundred payloads/,
  },
  {
    name: 'deliveries pending',
    path: acme('/deliveries?status=held'),
    shows: /Nothing to retry/,
  },
  {
    name: 'delivery behind an open circuit',
    path: (seed) => acme(`/deliveries/${seed.failedDelivery}`)(seed),
    given: changing({
      '**/v1/**/deliveries/dlv_*': {
        status: 'pending',
        statusReason: null,
        completedAt: null,
        nextAttemptAt: AT,
        waitingFor: { state: 'deferred_circuit_open', until: null, behind: null },
      },
    }),
    shows: /Waiting: the endpoint keeps failing/,
  },
  {
    name: 'webhook after an outage',
    path: webhook(''),
    given: async (page) => {
      await changing({
        '**/v1/**/subscriptions/sub_*': {
          lastOutage: { from: AT, until: '2026-11-21T19:55:00.000Z', isCatchingUp: true },
        },
      })(page);
      await returning({
        '**/deliveries/count?*status=succeeded*': { count: 8_401, more: false },
        '**/deliveries/count?*status=failed*': { count: 12, more: false },
        '**/deliveries/count?*status=pending*': { count: 10_000, more: true },
      })(page);
      // A page of waiting deliveries: that of the failing webhook.
      await page.route('**/deliveries?*status=pending*', async (route) => {
        const url = new URL(route.request().url());
        url.searchParams.delete('subscription');
        url.searchParams.delete('to');
        await route.fulfill({ response: await route.fetch({ timeout: 0, url: url.href }) });
      });
    },
    shows: /The waiting deliveries are being sent/,
  },
  { name: 'nothing there', path: () => '/nowhere', shows: /Page not found/ },
  { name: 'not found', path: acme('/subscriptions/sub_00000000000000000000000000'), shows: /Webhook not found/ },
  { name: 'integrations loading', path: acme('/integrations'), given: silent, shows: /Loading webhooks/ },
  { name: 'deliveries loading', path: acme('/deliveries'), given: silent, shows: /Loading deliveries/ },
  { name: 'deliveries failed to load', path: acme('/deliveries'), given: failing, shows: /couldn’t load deliveries/ },
  {
    name: 'deliveries no match',
    path: acme('/deliveries?range=15m&status=canceled&eventType=message:created'),
    shows: /No deliveries match/,
  },
  {
    name: 'deliveries filtered',
    path: acme('/deliveries?outcome=http_error&statusCode=503'),
    async when(page) {
      await page
        .getByRole('checkbox', { name: /^Select message/ })
        .first()
        .check();
    },
    shows: /1 selected/,
  },
  { name: 'deliveries export menu', path: acme('/deliveries'), when: press(/^Export/), shows: /NDJSON/ },
  {
    name: 'audit log no match',
    path: () =>
      '/audit?actorId=key_00000000000000000000000000&from=2020-01-01T00:00:00.000Z&to=2020-01-02T00:00:00.000Z',
    shows: /No entries match/,
  },
  { name: 'accounts found', path: () => '/accounts?q=glob', shows: /Globex Travel/ },
  { name: 'accounts no match', path: () => '/accounts?q=nobody', shows: /No accounts match/ },
  { name: 'webhooks found', path: acme('/integrations?q=nightly'), shows: /Nightly reports/ },
  { name: 'webhooks no match', path: acme('/integrations?q=nothing&status=paused'), shows: /No webhooks match/ },
  {
    name: 'command menu',
    path: acme('/integrations'),
    when: press(/^Search/),
    shows: /Event catalogue/,
  },
  {
    name: 'command menu found',
    path: acme('/integrations'),
    async when(page) {
      await press(/^Search/)(page);
      await page.getByRole('combobox', { name: /webhook/ }).fill('c');
    },
    shows: /^Webhooks$/,
  },
  {
    name: 'command menu nothing',
    path: acme('/integrations'),
    async when(page) {
      await press(/^Search/)(page);
      await page.getByRole('combobox', { name: /webhook/ }).fill('nowhere.example');
    },
    shows: /Nothing found/,
  },
  { name: 'integrations empty', path: empty('/integrations'), shows: /No webhooks yet/ },
  { name: 'deliveries empty', path: empty('/deliveries'), shows: /No events yet/ },
  { name: 'events empty', path: empty('/events'), shows: /No events yet/ },
  { name: 'replays empty', path: empty('/replays'), shows: /No replays yet/ },
  { name: 'keys empty', path: empty('/keys'), shows: /No keys yet/ },
  {
    name: 'event unmatched',
    path: globex((seed) => `/events/${seed.unmatchedEvent}`),
    shows: /No webhook subscribed/,
  },
  {
    name: 'delivery drawer',
    path: acme('/deliveries'),
    when: (page) =>
      page
        .getByRole('row', { name: /Succeeded/ })
        .first()
        .getByRole('link')
        .click(),
    shows: /Retry now/,
  },
  {
    name: 'event drawer',
    path: acme('/events'),
    async when(page) {
      await page
        .getByRole('row', { name: /message:created/ })
        .last()
        .getByRole('link')
        .click();
    },
    shows: /Deliveries of this event|No webhook subscribed/,
  },
  {
    name: 'delivery menu',
    path: acme('/deliveries?status=failed'),
    when: press(/^Actions for message/),
    shows: /Open event/,
  },
  {
    name: 'payload raw',
    path: (seed) => acme(`/events/${seed.event}`)(seed),
    when: press(/^Raw$/),
    shows: /zoe@example\.com/,
  },
  {
    name: 'compare attempts',
    path: (seed) => acme(`/deliveries/${seed.failedDelivery}`)(seed),
    async when(page) {
      await press(/^Compare with…/)(page);
      await page.getByRole('menuitem').first().click();
    },
    shows: /Both sent the same body/,
  },
  {
    name: 'event to compare',
    path: (seed) => acme(`/events?compare=${seed.event}`)(seed),
    shows: /Choose an event to compare with/,
  },
  {
    name: 'deliveries of a job',
    path: ({ delivery, failedDelivery }) => `/deliveries/${delivery},${failedDelivery},dlv_${'0'.repeat(26)}`,
    shows: /Not found/,
  },
  {
    name: 'compare events',
    path: (seed) => acme(`/events?compare=${seed.event}`)(seed),
    when: (page) =>
      page
        .getByRole('button', { name: /^Compare with/ })
        .last()
        .click(),
    shows: /removed, .* added|the same payload/,
  },
  {
    name: 'integrations menu',
    path: acme('/integrations'),
    when: press(/^Actions for/),
    shows: /Delete…/,
  },
  {
    name: 'add webhook',
    path: acme('/integrations'),
    when: press(/^Add webhook URL/),
    shows: /When you save/,
  },
  {
    name: 'add webhook refused',
    path: acme('/integrations'),
    async when(page) {
      await press(/^Add webhook URL/)(page);
      await page.getByRole('textbox', { name: 'Webhook URL' }).fill('http://169.254.169.254/latest');
      await press(/^Save/)(page);
    },
    shows: /private or reserved/,
  },
  {
    name: 'add webhook options',
    path: acme('/integrations'),
    async when(page) {
      await press(/^Add webhook URL/)(page);
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: 'Selected events' }).check();
      await dialog.getByText('Description, filter, headers, authentication, rate limit and retries').click();
      await press(/^Add header/)(page);
    },
    shows: /Rate limit/,
  },
  {
    name: 'endpoint snippet',
    path: webhook('/settings'),
    when: (page) => page.getByText('Verify it in your language').click(),
    shows: /createServer|BaseHTTPRequestHandler/,
  },
  { name: 'times', path: acme('/events'), when: press(/^Time zone/), shows: /Saved in this browser/ },
  {
    name: 'delete webhook',
    path: webhook('/settings'),
    when: press(/^Delete webhook/),
    shows: /Are you sure you want to delete this webhook/,
  },
  { name: 'rotate secret', path: webhook('/settings'), when: press(/^Rotate secret/), shows: /Keep the old secret/ },
  { name: 'add key', path: acme('/keys'), when: press(/^Create key/), shows: /Name/ },
];

/** Further dialogs and results. Some of them add data. */
export const DIALOGS: Screen[] = [
  { name: 'add account', path: () => '/accounts', when: press(/^Add account/), shows: /Your own ID for this customer/ },
  { name: 'open portal', path: () => '/accounts', when: press(/^Open portal/), shows: /portal/i },
  { name: 'add event type', path: () => '/event-types', when: press(/^Add event type/), shows: /JSON Schema/ },
  {
    name: 'remove event type',
    path: () => '/event-types/message:created',
    when: press(/^Remove…/),
    shows: /The API will refuse new/,
  },
  {
    name: 'send to webhooks',
    path: (seed) => acme(`/events/${seed.event}`)(seed),
    when: press(/^Send to webhooks/),
    shows: /Which webhooks/,
  },
  {
    name: 'subscribe a webhook',
    path: globex((seed) => `/events/${seed.unmatchedEvent}`),
    async when(page) {
      await press(/^Subscribe a webhook/)(page);
      await page.getByRole('dialog').getByRole('radio').first().waitFor();
    },
    shows: /Subscribe/,
  },
  {
    name: 'key created',
    path: empty('/keys'),
    async when(page) {
      await press(/^Create key/)(page);
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox', { name: 'Name' }).fill('Backend');
      await dialog.getByRole('button', { name: 'Create key' }).click();
    },
    shows: /you will not see it again/,
  },
  { name: 'revoke key', path: acme('/keys'), when: press(/^Revoke…/), shows: /will be refused immediately/ },
  {
    name: 'replay preview',
    path: globex(() => '/replays/new?status=succeeded'),
    when: press(/^Preview/),
    shows: /will be replayed/,
  },
  {
    name: 'test result',
    path: webhook('/test'),
    when: press(/^Send test/),
    shows: /Delivered: endpoint returned 200/,
  },
  {
    name: 'test failed',
    path: (seed) => acme(`/subscriptions/${seed.failingWebhook}/test`)(seed),
    when: press(/^Send test$/),
    shows: /Endpoint returned 503/,
  },
];
