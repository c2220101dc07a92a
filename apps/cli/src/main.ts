#!/usr/bin/env node
import { SettingsError } from '@posthorn/settings';
import { Command, CommanderError } from 'commander';
import { PlainError } from './plain-error.js';

// Each command imports its code when it runs, since containers run `healthcheck` every few seconds.
const program = new Command('posthorn')
  .description('Event subscriptions with webhooks')
  .exitOverride()
  .showHelpAfterError('(posthorn --help lists the commands)');

program
  .command('dev')
  .description('run everything on this machine: Postgres, the queue, API, worker, Bull Board and the demo')
  .option(
    '--watch',
    'in a clone of the repository: compile on every change, restart the affected processes, reload the console',
  )
  .addHelpText('after', '\nExample: WORKERS=2 API_PORT=0 posthorn dev')
  .action(async (options: { watch?: true }) => (await import('./commands/dev.js')).dev(options));

const migrate = program.command('migrate').description('apply or list the migrations of the database');
migrate
  .command('up')
  .description('apply pending migrations')
  .addHelpText('after', '\nExample: DATABASE_URL=postgres://… posthorn migrate up')
  .action(async () => (await import('./commands/migrate.js')).migrateUpCommand());
migrate
  .command('status')
  .description('list the migrations and whether they are applied; exits 1 while one is pending')
  .option('--json', 'one JSON document')
  .addHelpText('after', '\nExample: posthorn migrate status --json')
  .action(async (options: { json?: true }) => (await import('./commands/migrate.js')).migrateStatusCommand(options));

program
  .command('sign-in')
  .description('print a link that signs an operator in to the console; it works once, within 5 minutes')
  .addHelpText(
    'after',
    '\nExample: POSTHORN_API_URL=https://hooks.example.com POSTHORN_OPERATOR_KEY=… posthorn sign-in',
  )
  .action(async () => (await import('./commands/sign-in.js')).signIn());

program
  .command('healthcheck [url]')
  .description('check whether a process of Posthorn is ready (default: the API of this machine)')
  .addHelpText('after', '\nExample: posthorn healthcheck http://127.0.0.1:3403/livez')
  .action(async (url?: string) => (await import('./commands/healthcheck.js')).healthcheck(url));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2; // 2: wrong usage, which commander has explained
  } else if (error instanceof PlainError || error instanceof SettingsError) {
    console.error(error.message);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
