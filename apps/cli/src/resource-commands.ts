import { type Command, Option } from 'commander';
import {
  addAll,
  addPatterns,
  addStoredHeader,
  toCount,
  toCountOrNone,
  toDuration,
  toDurationOrDefault,
  toSchedule,
  toTextOrNone,
  toTime,
} from './input/read-values.js';
import { runWithApi } from './run-command.js';

const LIMIT = 25;

/** The commands of each noun of the API: `posthorn <noun> <verb>`. */
export function addResourceCommands(program: Command): void {
  addEvents(program.command('events').description('published events'));
  addDeliveries(program.command('deliveries').description('one event for one subscription, with its attempts'));
  addSubscriptions(program.command('subscriptions').description('webhook URLs, their events, secrets and state'));
  addEventTypes(program.command('event-types').description('the catalogue of event types'));
  addAccounts(program.command('accounts').description('tenants; needs the operator key'));
  addKeys(program.command('keys').description('keys of an account; needs the operator key'));
  addReplays(program);
  addReconcile(program);
}

const verb = (noun: Command, name: string, description: string, example: string): Command =>
  noun.command(name).description(description).addHelpText('after', `\nExample: ${example}`);

const paged = (command: Command): Command =>
  command
    .addOption(new Option('--limit <number>', `how many; default: ${LIMIT}`).argParser(toCount).default(LIMIT))
    .option('--cursor <cursor>', 'continue where an earlier list ended');

const filtered = (command: Command): Command =>
  command
    .option('--subscription <id>', 'only of this subscription; repeatable', addAll)
    .option('--event <id>', 'only of this event')
    .option('--type <event-type>', 'only of this event type; repeatable', addAll)
    .option('--status <status>', 'pending, held, succeeded, failed or canceled; repeatable', addAll)
    .option('--outcome <outcome>', 'of the last attempt: ok, http_error, timeout …; repeatable', addAll)
    .option('--status-code <code>', 'of the last response: 500, or 5xx; repeatable', addAll)
    .option('--q <text>', 'payload contains the text, or id begins with it')
    .option('--from <time>', 'created since: a time, or 2h', (text) => toTime(text))
    .option('--to <time>', 'created before', (text) => toTime(text));

function addEvents(noun: Command): void {
  const load = () => import('./commands/events.js');
  paged(verb(noun, 'list', 'list events, newest first', 'posthorn events list --type message:created --from 2h'))
    .option('--type <event-type>', 'only of this event type; repeatable', addAll)
    .option('--q <text>', 'payload contains the text, or id begins with it')
    .option('--from <time>', 'accepted since: a time, or 2h', (text) => toTime(text))
    .option('--to <time>', 'accepted before', (text) => toTime(text))
    .action(runWithApi(async () => (await load()).listEvents));
  verb(noun, 'get <event>', 'show an event, its payload and its deliveries', 'posthorn events get evt_… --json').action(
    runWithApi(async () => (await load()).getEvent),
  );
}

function addDeliveries(noun: Command): void {
  const load = () => import('./commands/deliveries.js');
  paged(
    filtered(verb(noun, 'list', 'list deliveries, newest first', 'posthorn deliveries list --status failed --from 1d')),
  ).action(runWithApi(async () => (await load()).listDeliveries));
  filtered(verb(noun, 'count', 'count deliveries', 'posthorn deliveries count --status failed --from 1d')).action(
    runWithApi(async () => (await load()).countDeliveries),
  );
  verb(noun, 'get <delivery>', 'show a delivery with its attempts', 'posthorn deliveries get dlv_…').action(
    runWithApi(async () => (await load()).getDelivery),
  );
  verb(noun, 'retry <delivery>', 'make one more attempt now', 'posthorn deliveries retry dlv_…').action(
    runWithApi(async () => (await load()).retryDelivery),
  );
}

const withFields = (command: Command): Command =>
  command
    .option('--events <types>', "event types and patterns, or '*' for all, also future ones; repeatable", addPatterns)
    .option('--description <text>', 'for people, or none', toTextOrNone)
    .option('--header <header>', 'sent with each request, "name: value", or none; repeatable', addStoredHeader)
    .option(
      '--filter <condition>',
      'only events whose payload meets it: \'$.status == "closed"\', or none',
      toTextOrNone,
    )
    .option(
      '--authentication <file>',
      'OAuth 2.0 or a client certificate: a JSON object as in the API; - reads stdin; or none',
      toTextOrNone,
    )
    .option('--certificate-authorities <file>', 'also trusted, in PEM; - reads stdin; or none', toTextOrNone)
    .option('--rate-limit <number>', 'attempts per second, or none', toCountOrNone)
    .option(
      '--retry-schedule <waits>',
      'waits after failed attempts: 10s,5m,2h, none (no retries) or default',
      toSchedule,
    )
    .option('--attempt-timeout <duration>', 'limit of one attempt: 20s, or default', toDurationOrDefault)
    .addOption(new Option('--ordering <ordering>', 'order of deliveries').choices(['none', 'strict']))
    .addHelpText(
      'after',
      `\nThe value none removes what was set. The value default returns to the operator's setting.`,
    );

function addSubscriptions(noun: Command): void {
  const load = () => import('./commands/subscriptions.js');
  paged(verb(noun, 'list', 'list subscriptions', 'posthorn subscriptions list --status disabled'))
    .option('--status <status>', 'unverified, active, paused or disabled; repeatable', addAll)
    .option('--q <text>', 'URL, description or id begins with the text')
    .action(runWithApi(async () => (await load()).listSubscriptions));
  verb(noun, 'get <subscription>', 'show a subscription', 'posthorn subscriptions get sub_…').action(
    runWithApi(async () => (await load()).getSubscription),
  );
  withFields(
    verb(
      noun,
      'create',
      'create a subscription; Posthorn then sends the handshake to its URL',
      'posthorn subscriptions create --url https://hooks.example.com/webhook --events message:*',
    ).requiredOption('--url <url>', 'where to send events'),
  ).action(runWithApi(async () => (await load()).createSubscription));
  withFields(
    verb(
      noun,
      'update <subscription>',
      'change a subscription',
      'posthorn subscriptions update sub_… --events message:*',
    ),
  )
    .option('--url <url>', 'the new URL, used as soon as it is verified')
    .action(runWithApi(async () => (await load()).updateSubscription));
  verb(noun, 'delete <subscription>', 'delete a subscription', 'posthorn subscriptions delete sub_… --yes')
    .option('--yes', 'do not ask')
    .action(runWithApi(async () => (await load()).deleteSubscription));
  verb(noun, 'pause <subscription>', 'hold its deliveries', 'posthorn subscriptions pause sub_…').action(
    runWithApi(async () => (await load()).pauseSubscription),
  );
  verb(
    noun,
    'resume <subscription>',
    'send again: enable it after pause or disable',
    'posthorn subscriptions resume sub_…',
  ).action(runWithApi(async () => (await load()).resumeSubscription));
  verb(
    noun,
    'disable <subscription>',
    'end its deliveries until it is resumed',
    'posthorn subscriptions disable sub_… --deliveries hold',
  )
    .addOption(
      new Option('--deliveries <what>', 'cancel the pending ones, or hold them; default: cancel').choices([
        'cancel',
        'hold',
      ]),
    )
    .action(runWithApi(async () => (await load()).disableSubscription));
  verb(noun, 'verify <subscription>', 'send the handshake again', 'posthorn subscriptions verify sub_…').action(
    runWithApi(async () => (await load()).verifySubscription),
  );
  verb(
    noun,
    'test <subscription>',
    'send a test event to it',
    'posthorn subscriptions test sub_… --event message:created',
  )
    .option('--event <type>', 'event type; default: the first that it subscribes to')
    .option('--data <file>', 'the payload, a JSON object; - reads stdin; default: the example of the catalogue')
    .action(runWithApi(async () => (await load()).testSubscription));
  verb(noun, 'secret <subscription>', 'print its signing secret', 'posthorn subscriptions secret sub_…').action(
    runWithApi(async () => (await load()).showSecret),
  );
  verb(
    noun,
    'rotate-secret <subscription>',
    'make a new signing secret',
    'posthorn subscriptions rotate-secret sub_… --overlap 1d',
  )
    .option('--overlap <duration>', 'how long the old one signs, too; default: 1d', toDuration)
    .action(runWithApi(async () => (await load()).rotateSecret));
}

function addEventTypes(noun: Command): void {
  const load = () => import('./commands/event-types.js');
  paged(verb(noun, 'list', 'list event types', 'posthorn event-types list')).action(
    runWithApi(async () => (await load()).listEventTypes),
  );
  verb(noun, 'get <name>', 'show an event type with its example', 'posthorn event-types get message:created').action(
    runWithApi(async () => (await load()).getEventType),
  );
  verb(
    noun,
    'put <name>',
    'create or replace an event type',
    'posthorn event-types put order:paid --example order.json',
  )
    .option('--description <text>', 'for people')
    .option('--example <file>', 'an example payload, a JSON object; - reads stdin')
    .option('--schema <file>', 'the JSON Schema of payloads; - reads stdin')
    .option('--enforce', 'refuse events whose payload does not match the schema')
    .option('--deprecated', 'mark it as deprecated')
    .action(runWithApi(async () => (await load()).putEventType));
  verb(
    noun,
    'import <file>',
    'create and change event types from the webhooks of an OpenAPI 3.1 document (JSON; - reads stdin)',
    'posthorn event-types import openapi.json --dry-run',
  )
    .option('--dry-run', 'show what would change, and change nothing')
    .action(runWithApi(async () => (await load()).importEventTypes));
  verb(noun, 'delete <name>', 'delete an event type', 'posthorn event-types delete order:paid --yes')
    .option('--yes', 'do not ask')
    .action(runWithApi(async () => (await load()).deleteEventType));
}

function addAccounts(noun: Command): void {
  const load = () => import('./commands/accounts.js');
  paged(verb(noun, 'list', 'list accounts', 'posthorn accounts list --q acme'))
    .option('--q <text>', 'id or name begins with the text')
    .action(runWithApi(async () => (await load()).listAccounts));
  verb(noun, 'get <id>', 'show an account', 'posthorn accounts get acme').action(
    runWithApi(async () => (await load()).getAccount),
  );
  verb(noun, 'create <id>', 'create or change an account', 'posthorn accounts create acme --name "Acme Inc."')
    .option('--name <name>', 'for people')
    .option('--metadata <file>', 'a JSON object; - reads stdin')
    .action(runWithApi(async () => (await load()).createAccount));
  verb(noun, 'delete <id>', 'delete an account with all its data', 'posthorn accounts delete acme --yes')
    .option('--yes', 'do not ask')
    .action(runWithApi(async () => (await load()).deleteAccount));
}

function addKeys(noun: Command): void {
  const load = () => import('./commands/keys.js');
  paged(verb(noun, 'list', 'list the keys of an account', 'posthorn keys list --account acme')).action(
    runWithApi(async () => (await load()).listKeys),
  );
  verb(
    noun,
    'create',
    'create a key; it is shown once',
    'posthorn keys create --account acme --name CI --scope events:write',
  )
    .requiredOption('--name <name>', 'where the key is used')
    .option('--scope <scope>', 'what it may do; default: everything in the account; repeatable', addAll)
    .action(runWithApi(async () => (await load()).createKey));
  verb(noun, 'revoke <key>', 'revoke a key', 'posthorn keys revoke key_… --account acme --yes')
    .option('--yes', 'do not ask')
    .action(runWithApi(async () => (await load()).revokeKey));
}

function addReplays(program: Command): void {
  const load = () => import('./commands/replays.js');
  verb(
    program,
    'replay',
    'send failed deliveries or missed events again',
    'posthorn replay --which failed --since 2h --dry-run',
  )
    .addOption(
      new Option('--which <which>', 'failed deliveries, or events missed while a subscription was off')
        .choices(['failed', 'missed'])
        .makeOptionMandatory(),
    )
    .option('--since <time>', 'created since: a time, or 2h; required unless --event is given', (text) => toTime(text))
    .option('--until <time>', 'created before; default: now', (text) => toTime(text))
    .option('--event <id>', 'only this event')
    .option('--subscription <id>', 'only to this subscription; repeatable', addAll)
    .option('--type <event-type>', 'only of this event type; repeatable', addAll)
    .option('--status <status>', 'failed, canceled or succeeded; default: failed and canceled; repeatable', addAll)
    .option('--outcome <outcome>', 'of the last attempt; repeatable', addAll)
    .option('--status-code <code>', 'of the last response: 500, or 5xx; repeatable', addAll)
    .option('--dry-run', 'only count')
    .option('--wait', 'show the progress until it has ended; fail if a delivery failed, or it was canceled')
    .option('--timeout <duration>', 'of --wait; default: 10m', toDuration)
    .action(runWithApi(async () => (await load()).startReplay));
  const noun = program.command('replays').description('running and ended replays');
  paged(verb(noun, 'list', 'list replays', 'posthorn replays list')).action(
    runWithApi(async () => (await load()).listReplays),
  );
  verb(noun, 'get <replay>', 'show a replay and its progress', 'posthorn replays get rpl_…').action(
    runWithApi(async () => (await load()).getReplay),
  );
  verb(noun, 'cancel <replay>', 'stop queueing deliveries', 'posthorn replays cancel rpl_…').action(
    runWithApi(async () => (await load()).cancelReplay),
  );
}

function addReconcile(program: Command): void {
  verb(
    program,
    'reconcile',
    'list the accepted events of your records that are missing, for example after a restore',
    'posthorn reconcile --from ids.ndjson',
  )
    .requiredOption(
      '--from <file>',
      'one event per line: an id, or JSON with id, idempotencyKey and account; - reads stdin',
    )
    .action(runWithApi(async () => (await import('./commands/reconcile.js')).reconcile));
}
