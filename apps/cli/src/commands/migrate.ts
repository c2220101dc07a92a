import { MigrationError, migrateUp, migrationStatus } from '@posthorn/core/database-tools';
import { pino } from 'pino';
import { readMigrateSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Call } from './context.js';

/** Applies pending migrations, and those of the queue if it is in Postgres. Repeating is safe. */
export async function migrateUpCommand({ terminal }: Call): Promise<void> {
  const settings = readMigrateSettings();
  const databaseUrl = findDatabase();
  const { chooseQueue, migrateQueues } = await import('@posthorn/jobs'); // slow to load
  const queue = chooseQueue({ ...settings, databaseUrl });
  if (typeof queue === 'string') throw new PlainError(queue);
  try {
    const applied = await migrateUp({ url: databaseUrl, log: pino({ level: settings.logLevel }, pino.destination(2)) });
    await migrateQueues(queue);
    terminal.result({ applied }, () =>
      applied.length === 0 ? 'No pending migrations.' : `Applied: ${applied.join(', ')}`,
    );
  } catch (error) {
    if (error instanceof MigrationError) throw new PlainError(error.message, { cause: error });
    throw error;
  }
}

/** Lists the migrations with their states; exit code 1 unless all are applied. */
export async function migrateStatusCommand({ terminal }: Call): Promise<void> {
  const migrations = await migrationStatus({ url: findDatabase() });
  const upToDate = migrations.every(({ state }) => state === 'applied' || state === 'unknown');
  terminal.result({ upToDate, migrations }, () =>
    migrations.map(({ name, state }) => `${state.padEnd(8)}  ${name}`).join('\n'),
  );
  if (!upToDate) process.exitCode = EXIT.failed;
}

function findDatabase(): string {
  const settings = readMigrateSettings();
  const url =
    settings.databaseDirectUrl ?? settings.databaseUrl ?? readLocalFile(resolveDataDir(settings.dataDir))?.databaseUrl;
  if (url) return url;
  throw new PlainError('DATABASE_URL is not set. Set it, or start the local stack (posthorn dev) first.');
}
