import { readVersion } from '@posthorn/lifecycle';
import { Argument, Command, Option } from 'commander';
import { addResourceCommands } from './resource-commands.js';
import { run, runWithApi } from './run-command.js';
import { SHELLS } from './completion/script.js';
import {
  toDrain,
  toListenAddress,
  toMaxBacklog,
  toPayloadBytes,
  toRate,
  toSeconds,
  toSubscriptions,
} from './load/limits.js';
import {
  addAll,
  addPatterns,
  addHeader,
  addOne,
  toCount,
  toDuration,
  toIdempotencyKey,
  toRequestTimeout,
} from './input/read-values.js';

const OF_CONNECTION = 'Connection:';

const silent = () => {};

/** Returns all commands. Each imports its code when it runs, since containers run `healthcheck` every few seconds. With `isJson`,
 *  commander prints no errors: `reportError` does. */
export function createProgram({ isJson = false }: { isJson?: boolean } = {}): Command {
  const program = new Command('posthorn')
    .configureOutput(isJson ? { writeErr: silent, outputError: silent } : {})
    .description('Event subscriptions with webhooks')
    .version(readVersion(new URL('../package.json', import.meta.url)), '--version', 'print the version')
    .option('--json', 'print results as JSON: one document, or one per line for streams')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .addOption(
      new Option('--profile <name>', 'profile of posthorn login (also: POSTHORN_PROFILE)').helpGroup(OF_CONNECTION),
    )
    .addOption(new Option('--api-url <url>', 'URL of the API (also: POSTHORN_URL)').helpGroup(OF_CONNECTION))
    .addOption(new Option('--account <id>', 'account (also: POSTHORN_ACCOUNT)').helpGroup(OF_CONNECTION))
    .addOption(
      new Option('--allow-http', 'send the key unencrypted to another machine, on a network that you trust').helpGroup(
        OF_CONNECTION,
      ),
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 done · 1 failed · 2 wrong usage · 3 not found · 4 not allowed · 5 the server failed or does not respond
Start: posthorn dev, then in other terminals: posthorn listen --forward 3000/webhook, posthorn trigger message:created`,
    )
    .showHelpAfterError('(--help explains the command)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();

  addLocalCommands(program.commandsGroup('On this machine:'));
  addDevelopmentCommands(program.commandsGroup('Develop:'));
  addResourceCommands(program.commandsGroup('Objects:'));
  addConnectionCommands(program.commandsGroup('Connect:'));
  return program;
}

function addLocalCommands(program: Command): void {
  program
    .command('dev')
    .description('run everything on this machine: Postgres, the queue, API, worker, Bull Board and the demo')
    .option(
      '--watch',
      'in a clone of the repository: compile on every change, restart the affected processes, reload the console',
    )
    .addHelpText('after', '\nExample: WORKERS=2 API_PORT=0 posthorn dev')
    .action(run(async () => (await import('./commands/dev.js')).dev));

  program
    .command('doctor')
    .description('check the API, the database, its pooler, Redis and the clocks, each with the fix')
    .option('--endpoint <url>', 'also check whether a webhook could go to this URL; repeatable', addOne)
    .option('--bundle [file]', 'also write a support bundle without secrets; default: a new file in this folder')
    .option('--metrics <url>', 'of the bundle: the /metrics of a worker or of another API; repeatable', addOne)
    .option('--log <file>', 'of the bundle: a log file, of which warnings and errors are counted; repeatable', addOne)
    .addHelpText('after', '\nExample: posthorn doctor --endpoint https://hooks.example.com/webhook')
    .action(run(async () => (await import('./commands/doctor.js')).doctor));

  program
    .command('load')
    .description(
      'test an installation under a bounded load, with an own account and a built-in sink; needs the operator key',
    )
    .option('--rate <number>', 'events per second, at most 2000; default: 50', toRate)
    .option('--seconds <number>', 'how long it publishes, at most 600; default: 30', toSeconds)
    .option('--subscriptions <number>', 'deliveries per event, at most 50; default: 1', toSubscriptions)
    .option('--payload-bytes <number>', 'size of each payload, 32 to 65536; default: 1024', toPayloadBytes)
    .option('--event-type <type>', 'an event type of the catalogue; default: message:created')
    .option('--max-backlog <number>', 'ends the test beyond this many missing deliveries; default: 10000', toMaxBacklog)
    .option('--drain <duration>', 'how long to wait for the rest, at most 10m; default: 60s', toDrain)
    .option('--sink-url <url>', 'a URL that leads to the sink, for workers on other machines')
    .option(
      '--sink-listen <address>',
      'where the sink listens; default: a free port of 127.0.0.1, or 127.0.0.1:8099 with --sink-url',
      toListenAddress,
    )
    .option(
      '--metrics <url>',
      'the /metrics of a worker or of another API, for its CPU per delivery; repeatable',
      addOne,
    )
    .option('--yes', 'do not ask before a load on another machine')
    .addHelpText('after', '\nExample: posthorn load --rate 100 --seconds 10 --metrics http://127.0.0.1:3403/metrics')
    .action(runWithApi(async () => (await import('./commands/load.js')).load));

  const migrate = program.command('migrate').description('apply or list the migrations of the database');
  migrate
    .command('up')
    .description('apply pending migrations')
    .addHelpText('after', '\nExample: DATABASE_URL=postgres://… posthorn migrate up')
    .action(run(async () => (await import('./commands/migrate.js')).migrateUpCommand));
  migrate
    .command('status')
    .description('list the migrations and whether they are applied; exits 1 while one is pending')
    .addHelpText('after', '\nExample: posthorn migrate status --json')
    .action(run(async () => (await import('./commands/migrate.js')).migrateStatusCommand));

  program
    .command('healthcheck [url]')
    .description('check a process of Posthorn (default: the process of this container, or the API of this machine)')
    .addHelpText('after', '\nExample: posthorn healthcheck http://127.0.0.1:3403/livez')
    .action(run(async () => (await import('./commands/healthcheck.js')).healthcheck));
}

function addDevelopmentCommands(program: Command): void {
  program
    .command('listen [target]')
    .description('forward events to a local URL, signed, without a tunnel and without a subscription')
    .option('--forward <target>', 'where to: a URL, or 3000/webhook')
    .option('--events <types>', 'only these event types, such as message:created or message:*; repeatable', addPatterns)
    .option('--header <header>', 'added to each request, "name: value"; repeatable', addHeader)
    .option('--no-handshake', 'do not send the handshake first')
    .option('--timeout <duration>', 'of each request; default: 15s', toRequestTimeout)
    .option('--allow-remote', 'forward to another machine of a private network')
    .option('--print-secret', 'print the signing secret and end')
    .addHelpText('after', '\nExample: posthorn listen --forward http://localhost:3000/webhook --events message:*')
    .action(runWithApi(async () => (await import('./commands/listen.js')).listen));

  program
    .command('trigger <event-type>')
    .description('publish an event: the example of the catalogue, or your payload')
    .option('--data <file>', 'the payload, a JSON object; - reads stdin')
    .option('--count <number>', 'how many; default: 1', toCount)
    .option('--wait', 'wait until the deliveries have ended, and fail if one failed')
    .option('--timeout <duration>', 'of --wait; default: 60s', toDuration)
    .option('--idempotency-key <key>', 'publish once per key', toIdempotencyKey)
    .addHelpText('after', '\nExample: echo \'{"body":"Hello"}\' | posthorn trigger message:created --data - --wait')
    .action(runWithApi(async () => (await import('./commands/trigger.js')).trigger));

  program
    .command('tail')
    .description('follow deliveries and attempts as they happen')
    .option('--subscription <id>', 'only of this subscription; repeatable', addAll)
    .option('--events <types>', 'only of these event types; repeatable', addPatterns)
    .option('--status <status>', 'only with this status of the delivery; repeatable', addAll)
    .option('--outcome <outcome>', 'only attempts with this outcome; repeatable', addAll)
    .option('--attempts-only', 'not the new deliveries')
    .option('--all-accounts', 'of all accounts; needs the operator key')
    .addHelpText('after', '\nExample: posthorn tail --outcome timeout,http_error --json')
    .action(runWithApi(async () => (await import('./commands/tail.js')).tail));
}

function addConnectionCommands(program: Command): void {
  program
    .command('login <url>')
    .description('store the URL and the key of a server in a profile; the key is read from the terminal or from stdin')
    .addHelpText('after', '\nExample: posthorn login https://hooks.example.com --profile production')
    .action(run(async () => (await import('./commands/profiles.js')).login));
  program
    .command('logout')
    .description('remove a profile and its key from this machine (default: the current profile)')
    .addHelpText('after', '\nExample: posthorn logout --profile production')
    .action(run(async () => (await import('./commands/profiles.js')).logout));
  const profiles = program.command('profiles').description('list profiles, or choose the current one');
  profiles
    .command('list')
    .description('list the profiles')
    .addHelpText('after', '\nExample: posthorn profiles list')
    .action(run(async () => (await import('./commands/profiles.js')).listProfiles));
  profiles
    .command('use <name>')
    .description('make a profile the current one')
    .addHelpText('after', '\nExample: posthorn profiles use production')
    .action(run(async () => (await import('./commands/profiles.js')).useProfile));

  program
    .command('sign-in')
    .description('print a link that signs an operator in to the console; it works once, within 5 minutes')
    .addHelpText('after', '\nExample: posthorn sign-in --profile production')
    .action(run(async () => (await import('./commands/sign-in.js')).signIn));

  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .description('print the completion script of a shell')
    .addHelpText('after', '\nExample: eval "$(posthorn completion bash)"')
    .action(run(async () => (await import('./commands/completion.js')).completion));
  program
    .command('complete [words...]', { hidden: true })
    .description('print the candidates for the last word')
    .action(async (words: string[]) => (await import('./commands/completion.js')).printCandidates(program, words));
}
