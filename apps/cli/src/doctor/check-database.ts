import { inspectDatabase, migrationStatus, readPooling } from '@posthorn/core';
import { type Check, failed, judgeClock, ok, reasonOf, skipped, warning } from './check.js';

type Pooling = Awaited<ReturnType<typeof readPooling>>;

/** Checks Postgres, its pooler, its clock and the migrations. */
export async function checkDatabase({
  url,
  directUrl,
}: {
  url: string | null;
  directUrl: string | null;
}): Promise<Check[]> {
  if (url === null) return [skipped('Database', 'DATABASE_URL is not set here, and no local stack is running.')];
  try {
    const report = await inspectDatabase(url);
    const { version, majorVersion, maxConnections, usedConnections, isReplica, aheadMs } = report;
    const checks = [
      majorVersion < 15
        ? failed('Database', `Postgres ${version}`, 'Upgrade to Postgres 15 or newer.')
        : isReplica
          ? failed(
              'Database',
              `Postgres ${version}, a standby`,
              'Set DATABASE_URL to the primary. DATABASE_READ_URL is for a standby.',
            )
          : ok('Database', `Postgres ${version}`),
      usedConnections > maxConnections * 0.8
        ? warning(
            'Connections',
            `${usedConnections} of ${maxConnections} in use`,
            'Lower DATABASE_POOL_SIZE or raise max_connections. Keep at least ten connections free.',
          )
        : ok('Connections', `${usedConnections} of ${maxConnections} in use`),
      judgeClock('Clock of the database', aheadMs),
    ];
    const pooling = await readPooling(url);
    checks.push(
      judgePooler(pooling, directUrl === null || directUrl === url ? null : await readPooling(directUrl)),
      judgeMigrations(await migrationStatus({ url: directUrl ?? url })),
    );
    return checks;
  } catch (error) {
    return [
      failed(
        'Database',
        `does not respond: ${reasonOf(error)}`,
        'Check host, port, user and password in DATABASE_URL, and that Postgres accepts connections from this machine.',
      ),
    ];
  }
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
