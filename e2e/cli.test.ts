import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from '@posthorn/embedded';
import { type Endpoint, makeCertificate, openEndpoint, waitFor } from '@posthorn/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blocksOf } from './docs-blocks.js';
import { type Cli, openCli } from './run-cli.js';
import { type Stack, startStack } from './stack.js';

const run = promisify(execFile);

// Every command against the real product, and every example of docs/cli.md as a process. All tests share one stack; each makes what
// it needs.
let stack: Stack;
let cli: Cli;
let endpoint: Endpoint;
const ACCOUNT = 'cli';

beforeAll(async () => {
  stack = await startStack({
    backend: inject('queueBackends')[0] ?? 'postgres',
    env: { RETRY_SCHEDULE_SECONDS: '3600' },
  });
  endpoint = await openEndpoint();
  await stack.subscribe(endpoint.url, { account: ACCOUNT, events: ['message:created'] });
  cli = openCli({ POSTHORN_URL: stack.apiUrl, POSTHORN_API_KEY: stack.operatorKey, POSTHORN_ACCOUNT: ACCOUNT });
});
afterAll(async () => {
  await cli?.close();
  await endpoint?.close();
  await stack?.stop();
});

interface Published {
  id: string;
  deliveries: number;
}
interface List {
  data: { id: string; name?: string; status?: string }[];
  nextCursor: string | null;
}
const trigger = (...args: string[]) => cli.json<Published>(['trigger', 'message:created', ...args]);
/** Publishes by the API, for tests of other commands: a process costs more. */
const publish = () => stack.publish(ACCOUNT, '{"event":"message:created","payload":{}}');
const createKey = (scopes?: string[]) =>
  stack.call<{ id: string; key: string }>('POST', `/v1/accounts/${ACCOUNT}/keys`, {
    name: 'test',
    ...(scopes && { scopes }),
  });
const deliveryOf = async (event: string) =>
  waitFor(async () => {
    const delivery = await stack.delivery(ACCOUNT, event);
    return delivery.status === 'succeeded' && delivery;
  });
const lines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('listen', () => {
  it('forwards each event with the bytes and the signature that a webhook gets, after the handshake', async () => {
    const local = await openEndpoint();
    const secret = (await cli.run(['listen', '--print-secret'])).stdout.trim();
    expect(secret).toMatch(/^whsec_/);
    const listening = cli.start(['listen', '--forward', local.url, '--events', 'conversation:*', '--json']);
    await waitFor(() => listening.stderr().includes('Handshake: your endpoint passes it.'));
    expect(listening.stderr()).toContain(`Signing secret: ${secret}`);
    await publish(); // another type
    const payload = '{"2":1.50,"1":"ü","big":12345678901234567890}';
    const { code } = await cli.run(['trigger', 'conversation:created', '--data', '-'], { input: payload });
    expect(code).toBe(0);
    await waitFor(() => lines(listening.stdout()).length > 0);
    const [received, ...others] = local.events;
    expect(others).toEqual([]);
    expect(received?.rawBody.toString()).toBe(`{"event":"conversation:created","payload":${payload}}`);
    new Webhook(secret).verify(received?.rawBody ?? '', received?.headers ?? {});
    expect(lines(listening.stdout())).toEqual([
      expect.objectContaining({
        eventId: received?.headers['webhook-id'],
        event: 'conversation:created',
        outcome: 'ok',
        statusCode: 200,
        attempt: 1,
      }),
    ]);
    expect(await listening.end()).toBe(0);
    await local.close();
  });

  it('prints one line per request, says why one failed, and continues after a lost connection', async () => {
    const local = await openEndpoint();
    local.respondToHandshakeWith(404);
    local.respondWith({ status: 500, body: 'no' }, 200);
    const listening = cli.start(['listen', local.url]);
    await waitFor(() => listening.stderr().includes('does not pass it. Your endpoint returned 404'));
    const first = await publish();
    await waitFor(() => listening.stdout().includes(first.id));
    expect(listening.stdout()).toMatch(/^\d\d:\d\d:\d\d {2}500 +\d+ ms {2}message:created {2}evt_\w+ {2}.*500.*\n$/);

    const { api } = stack;
    const ended = once(api, 'exit');
    api.kill('SIGTERM');
    await ended;
    await waitFor(() => listening.stderr().includes('The connection was lost.'));
    await stack.startApi();
    const second = await publish();
    await waitFor(() => listening.stdout().includes(second.id));
    expect(listening.stdout().match(/evt_/g)).toHaveLength(2); // none twice
    expect(listening.stderr()).toContain('Reconnected.');
    expect(await listening.end('SIGTERM')).toBe(0);
    await local.close();
  });

  const hasScript = spawnSync('script', ['--version']).status === 0;
  if (!hasScript) console.warn('!!! Keys were not tested: this machine has no util-linux `script`. !!!');
  it.skipIf(!hasScript)('on a terminal, r sends the last event again with a new signature, and q ends it', async () => {
    const local = await openEndpoint();
    const secret = (await cli.run(['listen', '--print-secret'])).stdout.trim();
    const listening = cli.startOnTerminal(['listen', '--no-handshake', '--forward', local.url]);
    await waitFor(() => listening.stdout().includes('Press r'));
    listening.write('r');
    await waitFor(() => listening.stdout().includes('No event to send again yet'));
    const { id } = await publish();
    await waitFor(() => listening.stdout().includes(id));
    listening.write('r');
    await waitFor(() => listening.stdout().includes('attempt 2'));
    expect(local.events.map(({ headers }) => headers['webhook-id'])).toEqual([id, id]);
    for (const { rawBody, headers } of local.events) new Webhook(secret).verify(rawBody, headers);
    expect(listening.stdout()).toContain('\u001b[32m200');
    listening.write('q');
    expect(await listening.ended).toBe(0);
    await local.close();
  });

  it.skipIf(!hasScript)('prints colours on a terminal only, unless NO_COLOR is set', async () => {
    const args = ['events', 'list', '--limit', '1'];
    const onTerminal = [cli.startOnTerminal(args), cli.startOnTerminal(args, { NO_COLOR: '1' })];
    const piped = await cli.runProcess(args);
    expect(await Promise.all(onTerminal.map(({ ended }) => ended))).toEqual([0, 0]);
    const [coloured, plain] = onTerminal.map(({ stdout }) => stdout());
    expect(coloured).toContain('\u001b[2mID');
    for (const text of [plain, piped.stdout]) {
      expect(text).toMatch(/^(ID .*|None\.)/);
      expect(text).not.toContain('\u001b');
    }
  });

  it('prints one secret when several processes make it at once', async () => {
    const runs = Array.from({ length: 3 }, () => cli.runProcess(['listen', '--print-secret', '--account', 'new']));
    const secrets = (await Promise.all(runs)).map(({ stdout }) => stdout);
    expect(secrets[0]).toMatch(/^whsec_/);
    expect(new Set(secrets).size).toBe(1);
  });

  it('refuses another machine, since events may contain personal data', async () => {
    const { code, stderr } = await cli.run(['listen', '--forward', 'http://192.0.2.1/webhook']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Fix: Forward to localhost, or add --allow-remote.')]);
  });
});

describe('trigger and tail', () => {
  it('publishes the example, waits for its deliveries, and tail prints them', async () => {
    const tailing = cli.start(['tail', '--events', 'message:*', '--attempts-only', '--json']);
    await waitFor(() => tailing.stderr().includes('Following cli'));
    const { code, stdout, stderr } = await cli.run(['trigger', 'message:created', '--wait']);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/message:created evt_\w+: 1 delivery/)]);
    expect(stdout).toMatch(/dlv_\w+ +succeeded +200/);
    const [, delivery = ''] = /(dlv_\w+)/.exec(stdout) ?? [];
    await waitFor(() => lines(tailing.stdout()).some(({ deliveryId }) => deliveryId === delivery));
    expect(lines(tailing.stdout())[0]).toMatchObject({ type: 'attempt', event: 'message:created', outcome: 'ok' });
    expect(await tailing.end()).toBe(0);
  });

  it('publishes several, and once per idempotency key', async () => {
    const { stdout } = await cli.run(['trigger', 'message:created', '--count', '3', '--json']);
    expect(lines(stdout)).toHaveLength(3);
    const key = ['--idempotency-key', 'cli-once'];
    expect((await trigger(...key)).id).toBe((await trigger(...key)).id);
  });

  it('fails if a delivery is still pending after the timeout', async () => {
    endpoint.respondWith(500);
    const { code, stderr } = await cli.run(['trigger', 'message:created', '--wait', '--timeout', '1s']);
    endpoint.respondWith(200);
    expect([code, stderr]).toEqual([1, expect.stringContaining('Deliveries have not ended after 1 s: 1 pending.')]);
  });

  it('refuses a payload that is not a JSON object, and a type that is not in the catalogue', async () => {
    const { code, stderr } = await cli.run(['trigger', 'message:created', '--data', '-'], { input: '[1]' });
    expect([code, stderr]).toEqual([2, '--data must be a JSON object.\n']);
    const unknown = await cli.run(['trigger', 'no:such', '--data', '-'], { input: '{}' });
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringMatching(/not in the catalogue[^]*Fix: .*event-types/),
    ]);
  });
});

describe('objects', () => {
  it('lists with a limit, and continues exactly where the list ended', async () => {
    for (let n = 0; n < 3; n += 1) await publish();
    const [all, first] = await Promise.all([
      cli.json<List>(['events', 'list', '--limit', '3']),
      cli.json<List>(['events', 'list', '--limit', '2']),
    ]);
    const rest = await cli.json<List>(['events', 'list', '--limit', '1', '--cursor', first.nextCursor ?? '']);
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(all.data.map(({ id }) => id));
    const { stdout, stderr } = await cli.run(['events', 'list', '--limit', '1']);
    expect(stdout).toMatch(
      /^ID +EVENT +CREATED +DELIVERED +FAILED\nevt_\w+ +message:created +[\d-]+T\S+Z +\d of 1 +\d\n$/,
    );
    expect(stderr).toMatch(/^There are more: .*--cursor \S+\n$/);
  });

  it('shows a delivery, retries it, and replays it with its progress', async () => {
    const { id } = await deliveryOf((await publish()).id);
    const shown = await cli.run(['deliveries', 'get', id]);
    expect(shown.stdout).toMatch(/status +succeeded[^]*ATTEMPT +STARTED[^]*1 +\S+ +auto +ok +200/);
    const before = endpoint.events.length;
    expect((await cli.run(['deliveries', 'retry', id])).code).toBe(0);
    await waitFor(() => endpoint.events.length > before);
    const args = ['replay', '--which', 'failed', '--status', 'succeeded', '--since', '1h'];
    const preview = await cli.json<{ matched: number }>([...args, '--dry-run']);
    expect(preview.matched).toBeGreaterThan(0);
    const replay = await cli.json<{ id: string; status: string; delivered: number }>([...args, '--wait']);
    expect(replay).toMatchObject({ status: 'completed' });
    expect(replay.delivered).toBeGreaterThanOrEqual(preview.matched);
  });

  it('changes a subscription, and deletes it only with --yes', async () => {
    const { id } = await cli.json<{ id: string }>([
      'subscriptions',
      'create',
      '--url',
      endpoint.url,
      '--header',
      'x-team: crm',
    ]);
    const changed = await cli
      .json(['subscriptions', 'update', id, '--events', 'message:*,order:paid', '--rate-limit', '5'])
      .catch((error: Error) => error.message);
    expect(changed).toContain('order:paid'); // not in the catalogue
    const certificateFile = join(cli.folder, 'authority.pem');
    writeFileSync(certificateFile, makeCertificate().cert);
    const filter = '$.status == "closed"';
    const update = ['subscriptions', 'update', id];
    expect(await cli.json([...update, '--events', 'message:*', '--filter', filter])).toMatchObject({
      events: ['message:*'],
      filter,
    });
    expect(await cli.json([...update, '--retry-schedule', '10s', '--attempt-timeout', '5s'])).toMatchObject({
      retrySchedule: [10],
      timeoutMs: 5_000,
    });
    const reset = ['--filter', 'none', '--retry-schedule', 'default', '--attempt-timeout', 'default'];
    expect(await cli.json([...update, ...reset])).toMatchObject({ filter: null, retrySchedule: null, timeoutMs: null });

    const oauth2 = { type: 'oauth2', tokenUrl: endpoint.url, clientId: 'posthorn', clientSecret: 'kept-by-the-server' };
    const authenticated = ['--authentication', '-', '--certificate-authorities', certificateFile];
    await cli.run([...update, ...authenticated], { input: JSON.stringify(oauth2) });
    const { stdout: shown } = await cli.run(['subscriptions', 'get', id]);
    expect(shown).toContain(`OAuth 2.0 as posthorn at ${endpoint.url}`);
    expect(shown).toContain('public and own');
    expect(shown).not.toContain(oauth2.clientSecret);
    const none = ['--authentication', 'none', '--certificate-authorities', 'none'];
    expect(await cli.json([...update, ...none])).toMatchObject({ authentication: null, certificateAuthorities: null });
    expect(await cli.run([...update, '--authentication', '/no/such/file'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--authentication: /no/such/file cannot be read (ENOENT).') as string,
    });

    const refused = await cli.run(['subscriptions', 'delete', id]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Fix: Add --yes to confirm.')]);
    expect((await cli.run(['subscriptions', 'delete', id, '--yes'])).stdout).toBe(`Deleted ${id}.\n`);
  });

  it('prints no control characters of other people', async () => {
    await stack.call('PUT', '/v1/accounts/evil', { name: 'a\u001b[31mb\u009b2J' });
    const { stdout } = await cli.run(['accounts', 'list', '--q', 'evil']);
    expect(stdout).toContain('a\ufffd[31mb\ufffd2J');
    expect((await cli.run(['accounts', 'get', 'evil', '--json'])).stdout).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

describe('exit codes and errors', () => {
  it('match what happened', async () => {
    const cases: [args: string[], code: number][] = [
      [['--help'], 0],
      [['nothing'], 2],
      [['events', 'list', '--nothing'], 2],
      [['events', 'list', '--from', 'yesterday'], 2],
      [['events', 'get', 'evt_01jd4q8y3ne9mav5w2xkq7rf0c'], 3],
      [['events', 'get', '..'], 2],
      [['subscriptions', 'create', '--url', 'ftp://example.com'], 1],
    ];
    const seen = cases.map(async ([args]) => [args, (await cli.runProcess(args)).code]);
    expect(await Promise.all(seen)).toEqual(cases);
  });

  it('are 4 for a key that is not valid or lacks a scope, and 5 for a server that does not respond, each with the fix', async () => {
    const wrong = await cli.run(['events', 'list', '--json'], { env: { POSTHORN_API_KEY: 'wrong' } });
    expect([wrong.code, wrong.stdout]).toEqual([4, '']);
    expect(JSON.parse(wrong.stderr)).toEqual({
      error: expect.objectContaining({
        code: 'unauthenticated',
        exitCode: 4,
        requestId: expect.any(String),
        fix: expect.stringContaining('posthorn login'),
      }),
    });
    const { key } = await createKey(['events:read']);
    expect((await cli.run(['deliveries', 'list'], { env: { POSTHORN_API_KEY: key } })).code).toBe(4);
    const closedPort = await findFreePort();
    const away = await cli.run(['events', 'list'], { env: { POSTHORN_URL: `http://127.0.0.1:${closedPort}` } });
    expect([away.code, away.stderr]).toEqual([
      5,
      expect.stringMatching(/127\.0\.0\.1:\d+ .*\(ECONNREFUSED\)[^]*Fix: Check that/),
    ]);
  });
});

describe('login', () => {
  let stranger: Server;
  const seen: string[] = [];
  beforeAll(async () => {
    stranger = createServer((request, response) => {
      seen.push(request.headers.authorization ?? '');
      response.writeHead(302, { location: stack.apiUrl }).end();
    }).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
  });
  afterAll(() => stranger.close());

  it('stores the key for its origin, readable only by its owner, and sends it nowhere else', async () => {
    const mine = openCli({});
    const { key } = await createKey();
    const login = await mine.run(['login', stack.apiUrl, '--profile', 'test'], { input: `${key}\n` });
    expect([login.code, login.stdout]).toEqual([
      0,
      expect.stringContaining(`for the account ${ACCOUNT}. Profile: test.`),
    ]);
    const file = join(mine.folder, 'config/posthorn/config.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(key);

    expect((await mine.run(['events', 'list'])).code).toBe(0);
    const { port } = stranger.address() as { port: number };
    const other = await mine.run(['events', 'list', '--api-url', `http://127.0.0.1:${port}`]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('No key is stored for')]);
    const both = await mine.run(['events', 'list', '--api-url', `http://127.0.0.1:${port}`, '--profile', 'test']);
    expect([both.code, seen]).toEqual([2, []]);
    const unencrypted = await mine.run(['login', 'http://192.0.2.1'], { input: 'key' });
    expect([unencrypted.code, unencrypted.stderr]).toEqual([2, expect.stringContaining('is not encrypted')]);

    const outputs = [
      login,
      other,
      await mine.run(['profiles', 'list', '--json']),
      await mine.run(['events', 'get', 'x']),
    ];
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(key);

    chmodSync(file, 0o644);
    const open = await mine.run(['events', 'list']);
    expect([open.code, open.stderr]).toEqual([1, expect.stringContaining(`Fix: Run: chmod 600 ${file}`)]);
    chmodSync(file, 0o600);
    expect((await mine.run(['logout'])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain(key);
    expect((await mine.run(['events', 'list'])).code).toBe(2);
    await mine.close();
  });

  it('does not store a key that the server refuses, and does not follow a redirect with a key', async () => {
    const mine = openCli({});
    const refused = await mine.run(['login', stack.apiUrl], { input: 'wrong' });
    expect([refused.code, (await mine.run(['profiles', 'list'])).stdout]).toEqual([
      4,
      expect.stringContaining('None.'),
    ]);
    const { port } = stranger.address() as { port: number };
    const redirected = await mine.run(['login', `http://127.0.0.1:${port}`], { input: 'key-of-stranger' });
    expect(redirected.code).not.toBe(0);
    expect(new Set(seen)).toEqual(new Set(['Bearer key-of-stranger']));
    await mine.close();
  });

  it('refuses a key of the environment without its URL', async () => {
    const mine = openCli({ POSTHORN_API_KEY: stack.operatorKey });
    const { code, stderr } = await mine.run(['events', 'list']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('POSTHORN_API_KEY is set without POSTHORN_URL')]);
    await mine.close();
  });
});

describe('doctor', () => {
  const settings = () => ({
    DATABASE_URL: stack.databaseUrl,
    ...(stack.redis && { REDIS_URL: stack.redis.url }),
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8',
    REQUIRE_HTTPS: 'false',
  });
  interface Report {
    ok: boolean;
    checks: { name: string; status: string; detail: string; fix: string | null }[];
  }

  it('reports every part as ok, and an endpoint that passes the handshake', async () => {
    // On a busy machine, the API may say that a part responds slowly.
    const stdout = await waitFor(async () => {
      const report = await cli.run(['doctor', '--endpoint', endpoint.url, '--json'], { env: settings() });
      const { checks } = JSON.parse(report.stdout) as Report;
      const statusOf = Object.fromEntries(checks.map(({ name, status }) => [name, status]));
      expect(statusOf).toMatchObject({
        API: 'ok',
        'Clock of the API': 'ok',
        Database: 'ok',
        'Clock of the database': 'ok',
        Pooler: 'ok',
        Migrations: 'ok',
        Queue: 'ok',
        [`Endpoint ${endpoint.url}`]: 'ok',
      });
      return report.stdout;
    });
    expect(stdout).not.toContain(new URL(stack.databaseUrl).password || 'no password');
  });

  it('fails with the fix for each database that is away, and for an address or a scheme that workers refuse', async () => {
    const away = `postgres://user:hush@127.0.0.1:${await findFreePort()}/none`;
    const env = {
      ...settings(),
      DATABASE_DIRECT_URL: away,
      DATABASE_READ_URL: away,
      ALLOW_PRIVATE_NETWORKS: '', // unset: workers refuse this address, and the local stack does not run here
    };
    const { code, stdout } = await cli.run(['doctor', '--endpoint', endpoint.url], { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✓ Database: Postgres/);
    expect(stdout).toMatch(/✗ Direct connection: does not respond: ECONNREFUSED\n {4}fix: .* in DATABASE_DIRECT_URL/);
    expect(stdout).toMatch(/✗ Read replica: does not respond: ECONNREFUSED\n {4}fix: .* in DATABASE_READ_URL/);
    expect(stdout).toMatch(/✗ Endpoint http:\S+: blocked\n {4}fix: .*ALLOW_PRIVATE_NETWORKS/);
    expect(stdout).not.toContain('hush');
    const unencrypted = await cli.run(['doctor', '--endpoint', endpoint.url], {
      env: { ...settings(), DATABASE_URL: away, REQUIRE_HTTPS: '' },
    });
    expect(unencrypted.stdout).toMatch(/✗ Database: does not respond: ECONNREFUSED\n {4}fix: .* in DATABASE_URL/);
    expect(unencrypted.stdout).toMatch(/✗ Endpoint http:\S+: blocked\n {4}fix: The URL must start with https:/);
  });

  it('skips what is not configured here', async () => {
    const mine = openCli({});
    const { code, stdout } = await mine.run(['doctor']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/– API: [^]*– Database: [^]*– Queue: /)]);
    await mine.close();
  });
});

describe('load', () => {
  const accounts = async () => {
    const { data } = await stack.call<{ data: { id: string }[] }>('GET', '/v1/accounts?q=posthorn-load-');
    return data.map(({ id }) => id);
  };
  const small = ['load', '--rate', '40', '--seconds', '1', '--subscriptions', '2', '--payload-bytes', '100'];

  it('receives every delivery of its own account, and erases the account', async () => {
    const away = `http://127.0.0.1:${await findFreePort()}/metrics`;
    const report = await cli.json<Record<string, unknown>>([...small, '--metrics', away]);
    expect(report).toMatchObject({
      ending: 'finished',
      accepted: 40,
      delivered: 80,
      drainSeconds: expect.any(Number),
      pending: 0,
      failed: 0,
      lost: 0,
      latency: { p99Ms: expect.any(Number) },
      cpu: [{ app: 'api', url: `${stack.apiUrl}/metrics`, usPerDelivery: expect.any(Number) }],
      cpuNotes: [`${away} does not respond (ECONNREFUSED).`],
    });
    expect(await accounts()).toEqual([]);
  });

  it('ends after Ctrl-C with a report, and erases the account', async () => {
    const running = cli.start(['load', '--rate', '5', '--seconds', '600', '--json']);
    await waitFor(async () => {
      const [id] = await accounts();
      if (id === undefined) return false;
      const { data } = await stack.call<{ data: unknown[] }>('GET', `/v1/accounts/${id}/events`);
      return data.length > 0;
    });
    expect(await running.end()).toBe(0);
    expect(JSON.parse(running.stdout())).toMatchObject({ ending: 'interrupted', lost: 0 });
    expect(await accounts()).toEqual([]);
  });

  it('says how the workers can reach the sink if they may not, and erases the account', async () => {
    const { code, stderr } = await cli.run(['load', '--sink-url', 'https://10.1.2.3', '--sink-listen', '127.0.0.1:0']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('may not, or cannot, send to the sink at https://10.1'),
    ]);
    expect(stderr).toContain('ALLOW_PRIVATE_NETWORKS');
    expect(await accounts()).toEqual([]);
  });

  it('refuses a key of an account, whose subscriptions and events are real', async () => {
    const { key } = await createKey();
    const { code, stderr } = await cli.run(['load'], { env: { POSTHORN_API_KEY: key } });
    expect([code, stderr]).toEqual([4, expect.stringContaining('needs the operator key')]);
    expect(await accounts()).toEqual([]);
  });
});

describe('completion', () => {
  // Each completes "posthorn subscr" and "posthorn deliveries re" as a person would by pressing Tab, and prints the results.
  const SHELLS: Record<string, string> = {
    bash: `eval "$(posthorn completion bash)"
      for line in "posthorn subscr" "posthorn deliveries re"; do
        read -ra COMP_WORDS <<< "$line"; COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _posthorn; echo "\${COMPREPLY[@]}"
      done`,
    zsh: `compdef() { :; }; compadd() { shift; print -r -- "$@"; }; _files() { :; }
      source <(posthorn completion zsh)
      for line in "posthorn subscr" "posthorn deliveries re"; do words=(\${=line}); CURRENT=\${#words}; _posthorn; done`,
    fish: `posthorn completion fish | source
      complete --do-complete "posthorn subscr"; complete --do-complete "posthorn deliveries re"
      complete --do-complete "posthorn trigger message:created --data retry."`,
  };
  for (const [shell, script] of Object.entries(SHELLS)) {
    const isInstalled = spawnSync(shell, ['--version']).status === 0;
    if (!isInstalled) console.warn(`!!! Completion was not tested in ${shell}: it is not installed. !!!`);
    it.skipIf(!isInstalled)(`completes commands in ${shell}, and no files among them`, async () => {
      writeFileSync(join(cli.folder, 'retry.json'), '{}');
      // Not spawnSync: while this process waits, the API may close idle connections, which the next test would use.
      const { stdout, stderr } = await run(shell, ['-c', script], { env: cli.env, cwd: cli.folder });
      const files = shell === 'fish' ? ['retry.json'] : [];
      expect([stdout.trim().split(/\s+/), stderr]).toEqual([['subscriptions', 'retry', ...files], '']);
    });
  }
});

describe('reconcile', () => {
  it('prints the recorded events that are missing, whatever their account, and exits with 1 if there is one', async () => {
    const { id } = await publish();
    const lost = 'evt_01jd4q8y3ne9mav5w2xkq7rf0c';
    const missing = [lost, `{"account":"nobody","id":"${id}"}`, `{"accountId":"${ACCOUNT}","idempotencyKey":"never"}`];
    const records = [id, '', ...missing, `{"accountId":"${ACCOUNT}","id":"${id}","event":"message:created"}`];
    const found = await cli.run(['reconcile', '--from', '-'], { input: records.join('\n') });
    expect(found.code).toBe(1);
    expect(found.stdout.trimEnd().split('\n').toSorted()).toEqual(missing.toSorted());
    expect(found.stderr).toContain('The account nobody does not exist, or this key cannot access it.');
    expect(found.stderr).toContain('Events checked: 5, missing: 3.');
    const json = await cli.run(['reconcile', '--from', '-', '--json'], { input: lost });
    expect(lines(json.stdout)).toEqual([{ account: ACCOUNT, id: lost, idempotencyKey: null }]);
    const wrong = await cli.run(['reconcile', '--from', '-'], { input: `${id}\nnonsense\n` });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--from: line 2: "nonsense"')]);
    const none = await cli.run(['reconcile', '--from', 'no-such-file'], {});
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('cannot be read (ENOENT)')]);
  });

  it('asks for at most 500 events at a time', async () => {
    const { id } = await publish();
    const records = Array.from({ length: 1_201 }, (_, n) => (n === 700 ? '{"idempotencyKey":"lost"}' : id));
    const found = await cli.run(['reconcile', '--from', '-'], { input: records.join('\n') });
    expect([found.code, found.stdout]).toEqual([1, '{"idempotencyKey":"lost"}\n']);
    expect(found.stderr).toContain('Events checked: 1201, missing: 1.');
  });
});

describe('docs/cli.md', () => {
  const blocks = blocksOf('docs/cli.md').filter(({ mark }) => mark?.isTested);

  it('every example works', async () => {
    const local = await openEndpoint();
    writeFileSync(join(cli.folder, 'key.txt'), `${stack.operatorKey}\n`);
    const { id: event } = await publish();
    const { id: delivery } = await deliveryOf(event);
    writeFileSync(join(cli.folder, 'ids.ndjson'), `${event}\n`);
    await stack.call('PUT', '/v1/accounts/acme', {});
    const { id: key } = await stack.call<{ id: string }>('POST', '/v1/accounts/acme/keys', { name: 'docs' });
    const { id: replay } = await cli.json<{ id: string }>(['replay', '--which', 'failed', '--event', event]);
    const { id: victim } = await stack.subscribe(endpoint.url, { account: ACCOUNT });
    const env = {
      DATABASE_URL: stack.databaseUrl,
      EVENT: event,
      DELIVERY: delivery,
      SUBSCRIPTION: victim,
      KEY_ID: key,
      REPLAY: replay,
      SECRET: 'kept by the token server',
      ...(stack.redis && { REDIS_URL: stack.redis.url }),
    };
    const failures: string[] = [];
    const runExample = async ({ code: example }: (typeof blocks)[number]) => {
      const script = example.replaceAll('localhost:3000', new URL(local.url).host);
      const isFollowing = /^posthorn (listen|tail) /.test(script);
      const running = cli.shell(isFollowing ? `exec ${script}` : script, env);
      if (isFollowing) {
        await waitFor(() => /Ready\.|Following/.test(running.stderr()), { what: script });
        await running.end();
      }
      const code = await running.ended;
      if (code !== 0) failures.push(`${script}\nexited with ${code}: ${running.stderr()}`);
    };
    // One changes the profile that the next one reads, and one deletes the webhook for which others wait.
    const isAlone = ({ code }: (typeof blocks)[number]) => /posthorn (login|logout|profiles)|--wait/.test(code);
    for (const block of blocks.filter(isAlone)) await runExample(block);
    const others = blocks.filter((block) => !isAlone(block));
    const work = async () => {
      for (let next = others.pop(); next; next = others.pop()) await runExample(next);
    };
    await Promise.all([work(), work(), work()]);
    await local.close();
    expect(failures).toEqual([]);
    expect(blocks.length).toBeGreaterThan(12);
  }, 900_000);
});
