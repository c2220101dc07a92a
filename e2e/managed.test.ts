import { execFile } from 'node:child_process';
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedRedis, findFreePort, startRedis } from '@posthorn/embedded';
import { makeCertificate, makeScratchFolder, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blocksFor, root } from './docs-blocks.js';

const run = promisify(execFile);
const folder = makeScratchFolder();
const file = (name: string) => join(folder, name);
const [sql, postgres, redis, commands] = blocksFor('e2e/managed.test.ts').map(({ code }) => code);

/** The names of the page, without collisions with other tests. */
const ours = (text = '') =>
  text
    .replaceAll('posthorn:change-me', 'managed:change-me')
    .replaceAll(/(ROLE|DATABASE|connect|TO) posthorn/g, '$1 managed')
    .replaceAll(/ --.*$/gm, '');

describe('the blocks of docs/managed.md, with servers that serve TLS', () => {
  const adminUrl = new URL(inject('templateDatabaseUrl'));
  adminUrl.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: adminUrl.href });
  let server: EmbeddedRedis | null = null;
  let redisUrl = '';

  beforeAll(async () => {
    const { key, cert } = makeCertificate();
    writeFileSync(file('key.pem'), key, { mode: 0o600 });
    writeFileSync(file('ca.pem'), cert);
    await admin.connect();
    await serveTls(admin, { key, cert });

    const port = await findFreePort();
    server = await startRedis({
      directory: file('redis'),
      settings: {
        'tls-port': String(port),
        'tls-key-file': file('key.pem'),
        'tls-cert-file': file('ca.pem'),
        'tls-auth-clients': 'no',
      },
      log: () => undefined,
    });
    if (server) {
      const client = new Redis(server.url);
      await client.call('ACL', 'SETUSER', 'managed', 'on', '>change-me', '~*', '&*', '+@all');
      client.disconnect();
    }
    redisUrl = `localhost:${port}`;
  });
  afterAll(async () => {
    await server?.stop();
    await admin.query('DROP DATABASE IF EXISTS managed WITH (FORCE)');
    await admin.query('DROP ROLE IF EXISTS managed');
    for (const name of ['ssl', 'ssl_cert_file', 'ssl_key_file']) await admin.query(`ALTER SYSTEM RESET ${name}`);
    await admin.query('SELECT pg_reload_conf()');
    await admin.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('migrate and doctor connect to both over TLS, as a user that may only create tables', async ({ skip }) => {
    if (!server) skip('this machine has no redis-server');
    const [onServer = '', inDatabase = ''] = ours(sql).split(/\\connect managed/);
    for (const statement of onServer.split(';').filter((text) => text.trim() !== '')) await admin.query(statement);
    const inManaged = new URL(adminUrl);
    inManaged.pathname = '/managed';
    const owner = new pg.Client({ connectionString: inManaged.href });
    await owner.connect();
    await owner.query(inDatabase);
    await owner.end();

    const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: folder, QUEUE_BACKEND: 'redis' };
    const [, databaseUrl = ''] = /DATABASE_URL=(.*)/.exec(ours(postgres)) ?? [];
    env['DATABASE_URL'] = databaseUrl
      .replace('db.example.com:5432/posthorn', `localhost:${adminUrl.port}/managed`)
      .replace(/sslrootcert=.*/, `sslrootcert=${file('ca.pem')}`);
    env['REDIS_URL'] = (/REDIS_URL=(.*)/.exec(ours(redis))?.[1] ?? '').replace('redis.example.com:6379', redisUrl);
    env['REDIS_TLS_CA_FILE'] = file('ca.pem');
    expect(env['DATABASE_URL']).toContain('sslmode=verify-full');
    expect(env['REDIS_URL']).toMatch(/^rediss:/);

    const { stdout } = await run('sh', ['-euc', commands ?? ''], { cwd: root, env });
    expect(stdout).toContain('noeviction');

    const client = new pg.Client({ connectionString: env['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    await client.end();
    expect(rows).toEqual([{ ssl: true }]);

    writeFileSync(file('ca.pem'), makeCertificate().cert); // another authority
    const refused = new pg.Client({ connectionString: env['DATABASE_URL'] });
    await expect(refused.connect()).rejects.toThrow(/certificate/);
  });
});

/** Makes the Postgres of the tests serve TLS too. Its account must be the only one that can read the key. */
async function serveTls(admin: pg.Client, { key, cert }: { key: string; cert: string }): Promise<void> {
  const { rows } = await admin.query<{ data_directory: string }>('SHOW data_directory');
  const data = rows[0]?.data_directory ?? '';
  const { uid, gid } = statSync(data);
  for (const [name, text] of Object.entries({ 'managed-key.pem': key, 'managed-cert.pem': cert })) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    chownSync(join(data, name), uid, gid);
  }
  await admin.query(`ALTER SYSTEM SET ssl_key_file = 'managed-key.pem'`);
  await admin.query(`ALTER SYSTEM SET ssl_cert_file = 'managed-cert.pem'`);
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  await waitFor(async () => (await admin.query<{ ssl: string }>('SHOW ssl')).rows[0]?.ssl === 'on', { what: 'TLS' });
}
