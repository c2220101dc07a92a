import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execFileSync } from 'node:child_process';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, afterEach, expect, test } from 'vitest';
import { DirectoryInUse } from './claim-directory.js';
import { findFreePort } from './find-free-port.js';
import { markOf } from './process-mark.js';
import { startPostgres, type EmbeddedPostgres } from './start-postgres.js';

// One cluster for all tests, since making one takes seconds.
const folder = mkdtempSync(join(tmpdir(), 'embedded-postgres-'));
chmodSync(folder, 0o755);
const directory = join(folder, 'postgres');
const running: EmbeddedPostgres[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('keeps committed data and the password across a restart; fsync is on; listens only on 127.0.0.1', async () => {
  const first = await start();
  await query(first.url, 'create table kept (id int); insert into kept values (42)');
  await first.stop();
  expect(markOf(first.pid)).toBeNull();

  const second = await start();
  expect(await query(second.url, 'select id from kept')).toEqual([{ id: 42 }]);
  expect(await query(second.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
  expect(await query(second.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect(new URL(second.url).password).toBe(new URL(first.url).password);
  await expect(query(second.url.replace(/:[^:]*@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
});

test('refuses a directory in use and names the process, whose server continues', async () => {
  const server = await start();
  await expect(start()).rejects.toThrow(`${directory} is in use by process ${process.pid}.`);
  await expect(start()).rejects.toBeInstanceOf(DirectoryInUse);
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('refuses a port in use with one sentence that names it', async () => {
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { port } = stranger.address() as { port: number };
  await expect(start(port)).rejects.toThrow(`Postgres cannot start: port ${port} of 127.0.0.1 is in use.`);
  stranger.close();
  expect(new URL((await start(port)).url).port).toBe(String(port));
});

test('starts despite a pid file whose pid now belongs to another process', async () => {
  await (await start()).stop();
  writeFileSync(join(directory, 'data/postmaster.pid'), `${process.pid}\n${join(directory, 'data')}\n`);
  const server = await start();
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.each(['finish', 'exit', 'crash'])(
  'ends the server with its owner: %s',
  async (how) => {
    const { server } = await startInOwner(how);
    await waitFor(() => markOf(server) === null, { what: 'the end of the server' });
    await waitFor(() => !existsSync(join(directory, 'data/postmaster.pid')), { what: 'its clean end' });
  },
  60_000,
);

test('ends the server of an owner killed with SIGKILL, at the latest at the next start, without data loss', async () => {
  for (const path of [process.env['PATH'] ?? '', pathWithoutSetpriv()]) {
    const { owner, server, url } = await startInOwner('stay', path);
    await query(url, `create table if not exists survived (path text); insert into survived values ('${path}')`);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const next = await start();
    expect(markOf(server)).toBeNull();
    expect(await query(next.url, `select count(*)::int as count from survived where path = '${path}'`)).toEqual([
      { count: 1 },
    ]);
    await next.stop();
  }
});

test('lets one of two processes that start at once use a new directory, and refuses the other', async () => {
  const fresh = join(folder, 'fresh');
  const results = await Promise.allSettled([0, 1].map(() => startInOwner('stay', process.env['PATH'], fresh)));
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  for (const result of results) {
    if (result.status === 'rejected') {
      expect(String(result.reason)).toContain('is in use by process');
      continue;
    }
    const { owner, server } = result.value;
    owner.kill('SIGTERM');
    await once(owner, 'exit');
    await (await startPostgres({ directory: fresh, log: () => undefined })).stop();
    expect(markOf(server)).toBeNull();
  }
});

async function start(port?: number): Promise<EmbeddedPostgres> {
  const server = await startPostgres({ directory, port: port ?? (await findFreePort()), log: () => undefined });
  running.push(server);
  return server;
}

/** Starts Postgres in a separate process, which then finishes, exits, crashes or stays. */
async function startInOwner(how: string, path = process.env['PATH'], where = directory) {
  const script = `
    import { startPostgres } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const { pid, url } = await startPostgres({ directory: ${JSON.stringify(where)}, log: () => undefined });
    console.log(JSON.stringify({ pid, url }));
    if (${JSON.stringify(how)} === 'exit') process.exit(0);
    if (${JSON.stringify(how)} === 'crash') throw new Error('on purpose');
    if (${JSON.stringify(how)} === 'stay') setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, PATH: path } });
  let complaint = '';
  owner.stderr.on('data', (chunk) => (complaint += String(chunk)));
  const [line] = await Promise.race([
    once(createInterface({ input: owner.stdout }), 'line'),
    once(owner, 'close').then(() => Promise.reject(new Error(complaint))),
  ]);
  const { pid, url } = JSON.parse(String(line)) as { pid: number; url: string };
  return { owner, server: pid, url };
}

function pathWithoutSetpriv(): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  symlinkSync(execFileSync('which', ['id'], { encoding: 'utf8' }).trim(), join(bin, 'id'));
  return bin;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
