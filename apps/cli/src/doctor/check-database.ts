import { inspectDatabase, migrationStatus, readPooling } from '@posthorn/core/database-tools';
import { type Check, failed, judgeClock, ok, reasonOf, skipped, warning } from './check.js';

type Pooling = Awaited<ReturnType<typeof readPooling>>;
type Report = Awaited<ReturnType<typeof inspectDatabase>>;

interface Urls {
  /** null: not set. */
  url: string | null;
  directUrl: string | null;
  readUrl: string | null;
}

/** Checks Postgres, its pooler, its clock, the migrations and the read replica. Judges each URL separately. */
export async function checkDatabase({ url, directUrl, readUrl }: Urls): Promise<Check[]> {
  if (url === null) return [skipped('Database', 'DATABASE_URL is not set here, and no local stack is running.')];
  const direct = directUrl === url ? null : directUrl;
  const [primary, ofDirect, replica] = await Promise.all([
    checkPrimary(url),
    direct === null ? [] : checkDirect(direct),
    readUrl === null ? [] : checkReplica(readUrl),
  ]);
  const responds = ![...primary, ...ofDirect].some(({ status }) => status === 'failed');
  const more = responds ? [await checkPooler(url, direct), await checkMigrations(directUrl ?? url)] : [];
  return [...primary, ...ofDirect, ...more, ...replica];
}

async function checkPrimary(url: string): Promise<Check[]> {
  const report = await inspect('Database', 'DATABASE_URL', url);
  if ('status' in report) return [report];
  const { maxConnections, usedConnections, aheadMs } = report;
  const connections = `${usedConnections} of ${maxConnections} in use`;
  return [
    judgePrimary('Database', 'DATABASE_URL', report),
    usedConnections > maxConnections * 0.8
      ? warning(
          'Connections',
          connections,
          'Lower DATABASE_POOL_SIZE or raise max_connections. Keep at least ten connections free.',
        )
      : ok('Connections', connections),
    judgeClock('Clock of the database', aheadMs),
  ];
}

async function checkDirect(url: string): Promise<Check[]> {
  const report = await inspect('Direct connection', 'DATABASE_DIRECT_URL', url);
  return ['status' in report ? report : judgePrimary('Direct connection', 'DATABASE_DIRECT_URL', report)];
}

async function checkReplica(url: string): Promise<Check[]> {
  const name = 'Read replica';
  const report = await inspect(name, 'DATABASE_READ_URL', url);
  if ('status' in report) return [report];
  const { version, isReplica, aheadMs } = report;
  return [
    await judgeReplica(url, `Postgres ${version}, a ${isReplica ? 'standby' : 'primary'}`, isReplica),
    judgeClock('Clock of the read replica', aheadMs),
  ];
}

async function judgeReplica(url: string, found: string, isReplica: boolean): Promise<Check> {
  const name = 'Read replica';
  try {
    if ((await readPooling(url)) !== 'session') {
      return failed(
        name,
        'behind a pooler in transaction mode',
        'Set DATABASE_READ_URL to the URL of the replica itself, or switch the pooler to session mode.',
      );
    }
  } catch (error) {
    return failed(name, `does not respond: ${reasonOf(error)}`, 'Look at the log of the replica.');
  }
  if (isReplica) return ok(name, found);
  return warning(name, found, 'Set DATABASE_READ_URL to a standby of DATABASE_URL, or unset it.');
}

async function checkPooler(url: string, direct: string | null): Promise<Check> {
  try {
    const [pooling, ofDirect] = await Promise.all([readPooling(url), direct === null ? null : readPooling(direct)]);
    return judgePooler(pooling, ofDirect);
  } catch (error) {
    return failed('Pooler', `does not respond: ${reasonOf(error)}`, 'Look at the log of the pooler and of Postgres.');
  }
}

async function checkMigrations(url: string): Promise<Check> {
  try {
    return judgeMigrations(await migrationStatus({ url }));
  } catch (error) {
    return failed('Migrations', `cannot be read: ${reasonOf(error)}`, 'Check the rights of the database user.');
  }
}

/** Returns a failed check that names the setting if the database does not respond. */
async function inspect(name: string, setting: string, url: string): Promise<Report | Check> {
  try {
    return await inspectDatabase(url);
  } catch (error) {
    return failed(
      name,
      `does not respond: ${reasonOf(error)}`,
      `Check host, port, user and password in ${setting}, and that Postgres accepts connections from this machine.`,
    );
  }
}

function judgePrimary(name: string, setting: string, { version, majorVersion, isReplica }: Report): Check {
  const found = `Postgres ${version}`;
  if (majorVersion < 15) return failed(name, found, 'Upgrade to Postgres 15 or newer.');
  if (!isReplica) return ok(name, found);
  return failed(name, `${found}, a standby`, `Set ${setting} to the primary. DATABASE_READ_URL is for a standby.`);
}

/** `direct`: what DATABASE_DIRECT_URL leads to; null: it is not set. */
export function judgePooler(pooling: Pooling, direct: Pooling | null): Check {
  const name = 'Pooler';
  if (pooling === 'unnamed') {
    return failed(
      name,
      'loses prepared statements',
      'Switch it to session mode; or use PgBouncer 1.21 or newer in transaction mode with max_prepared_statements above 0, and set DATABASE_DIRECT_URL.',
    );
  }
  if (direct !== null && direct !== 'session') {
    return failed(
      name,
      'DATABASE_DIRECT_URL leads to a pooler in transaction mode',
      'Set it to the URL of Postgres itself.',
    );
  }
  if (pooling === 'session') return ok(name, 'none, or in session mode');
  if (direct === null) {
    return failed(
      name,
      'in transaction mode',
      'Set DATABASE_DIRECT_URL to the URL of Postgres itself, or switch the pooler to session mode.',
    );
  }
  return ok(name, 'in transaction mode, with a direct URL');
}

function judgeMigrations(migrations: Awaited<ReturnType<typeof migrationStatus>>): Check {
  const wrong = migrations.filter(({ state }) => state !== 'applied' && state !== 'unknown');
  if (wrong.length === 0) return ok('Migrations', `${migrations.length} applied`);
  const names = wrong.map(({ name, state }) => `${name} (${state})`).join(', ');
  return failed('Migrations', names, 'Run: posthorn migrate up');
}
