import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Endpoint, openEndpoint, type ScriptedResponse } from '@posthorn/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeConfig } from './connection/config-file.js';
import { createProgram } from './program.js';
import { reportError } from './report-error.js';

// Whole commands against a scripted API, without a process for each. e2e/cli.test.ts uses the real API.
let server: Endpoint;
let other: Endpoint;
let folder: string;
beforeEach(async () => {
  [server, other] = await Promise.all([openEndpoint(), openEndpoint()]);
  folder = mkdtempSync(join(tmpdir(), 'posthorn-run-'));
  const isSetting = (name: string) => /^(POSTHORN|DATABASE|REDIS|QUEUE)_/.test(name);
  for (const name of Object.keys(process.env).filter(isSetting)) vi.stubEnv(name, undefined);
  vi.stubEnv('XDG_CONFIG_HOME', folder);
  vi.stubEnv('POSTHORN_DATA_DIR', join(folder, 'none'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  await Promise.all([server.close(), other.close()]);
});

const json = (body: unknown, status = 200): ScriptedResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const pathsOf = ({ requests }: Endpoint) =>
  requests.map(({ method, path }) => `${method} ${path.replace('/webhook', '')}`);
const keysOf = ({ requests }: Endpoint) => requests.map(({ headers }) => headers.authorization);
const storeProfiles = (profiles: Record<string, string>, current: string | null = null) =>
  writeConfig(join(folder, 'posthorn/config.json'), {
    current,
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([name, url]) => [name, { url, apiKey: `key-of-${name}`, account: 'acme' }]),
    ),
  });

/** Calls a command as `main.ts` does. */
async function run(args: string[], { env = {}, input }: { env?: Record<string, string>; input?: string } = {}) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const read = (stream: NodeJS.WriteStream) => {
    const texts: string[] = [];
    vi.spyOn(stream, 'write').mockImplementation((text) => texts.push(String(text)) > 0);
    return () => texts.join('');
  };
  const [stdout, stderr] = [read(process.stdout), read(process.stderr)];
  if (input !== undefined) vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([input]) as never);
  const isJson = args.includes('--json');
  const code = await createProgram({ isJson })
    .parseAsync(args, { from: 'user' })
    .then(
      () => 0,
      (error: unknown) => reportError(error, { isJson }),
    );
  vi.mocked(process.stdout.write).mockRestore();
  vi.mocked(process.stderr.write).mockRestore();
  return { code, stdout: stdout(), stderr: stderr() };
}

describe('usage errors', () => {
  it.each([
    [['events', 'list', '--limit', '0'], "option '--limit <number>' argument '0' is invalid. Enter a whole number"],
    [['events', 'list', '--nothing'], "unknown option '--nothing'"],
    [['events'], 'The command is missing.'],
  ])('regression: are one JSON document on stderr with --json: %j', async (args, message) => {
    const { code, stdout, stderr } = await run([...args, '--json']);
    expect([code, stdout]).toEqual([2, '']);
    expect(JSON.parse(stderr)).toEqual({
      error: { message: expect.stringContaining(message), fix: expect.stringContaining('--help'), exitCode: 2 },
    });
    const plain = await run(args);
    expect([plain.code, plain.stderr]).toEqual([2, expect.stringContaining(args.length > 1 ? message : 'Usage:')]);
  });

  it.each([
    [['trigger', 'message:created', '--idempotency-key', ''], "option '--idempotency-key <key>'", '1 to 255'],
    [['trigger', 'message:created', '--idempotency-key', 'ü'], "option '--idempotency-key <key>'", '1 to 255'],
    [['events', 'list', '--from', '999999999d'], "option '--from <time>'", 'at most 36500d'],
    [['listen', '3000', '--header', 'x-team: €'], "option '--header <header>'", 'printable Latin characters'],
    [['listen', '3000', '--header', 'a(b): c'], "option '--header <header>'", 'letters, digits and -'],
    [['listen', '3000', '--events', ''], "option '--events <types>'", "'*' for all types"],
    [['subscriptions', 'create', '--url', 'https://a.example', '--events', ''], "option '--events <types>'", "'*'"],
    [['replay', '--which', 'failed', '--since', '1h', '--subscription', ''], "option '--subscription <id>'", 'empty'],
    [['keys', 'create', '--name', 'a', '--scope', ''], "option '--scope <scope>'", 'empty'],
  ])('regression: %j names the option and what to write', async (args, option, fix) => {
    const { code, stderr } = await run(args, { env: { POSTHORN_URL: server.url, POSTHORN_API_KEY: 'k' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining(option)]);
    expect(stderr).toContain(fix);
    expect(server.requests).toEqual([]);
  });
});

it('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

describe('profiles', () => {
  const stored = () =>
    Object.keys(
      (JSON.parse(readFileSync(join(folder, 'posthorn/config.json'), 'utf8')) as { profiles: object }).profiles,
    );

  it('regression: logout removes the profile of POSTHORN_PROFILE, not the current one', async () => {
    storeProfiles({ production: server.url, staging: other.url }, 'production');
    expect((await run(['logout'], { env: { POSTHORN_PROFILE: 'staging' } })).code).toBe(0);
    expect(stored()).toEqual(['production']);
    expect((await run(['logout'])).code).toBe(3); // staging is gone
    expect((await run(['logout', '--profile', 'production'])).code).toBe(0);
    expect(stored()).toEqual([]);
  });

  it('regression: login stores the key in the profile of POSTHORN_PROFILE', async () => {
    server.respondWith(json({ kind: 'operator', accountId: null }));
    const login = (...args: string[]) =>
      run(['login', server.url, ...args], { env: { POSTHORN_PROFILE: 'staging' }, input: 'key\n' });
    expect((await login()).code).toBe(0);
    expect(stored()).toEqual(['staging']);
    expect((await login('--profile', 'production')).code).toBe(0);
    expect(stored()).toEqual(['staging', 'production']);
  });
});

describe('sign-in', () => {
  const link = (console: string) => json({ url: `${console}/sign-in#token=t`, token: 't' }, 201);
  const ofServer = () => ({ POSTHORN_API_URL: server.url, POSTHORN_OPERATOR_KEY: 'operator-key-of-the-server' });
  beforeEach(() => {
    server.respondWith(link('https://server.example'));
    other.respondWith(link('https://other.example'));
  });

  it('uses POSTHORN_API_URL with POSTHORN_OPERATOR_KEY', async () => {
    storeProfiles({ staging: other.url }, 'staging');
    const { code, stdout } = await run(['sign-in'], { env: ofServer() });
    expect([code, stdout]).toEqual([0, 'https://server.example/sign-in#token=t\n']);
    expect(keysOf(server)).toEqual(['Bearer operator-key-of-the-server']);
  });

  it('regression: --profile and --api-url win, and each key goes only to its own server', async () => {
    storeProfiles({ staging: other.url });
    const { code } = await run(['sign-in', '--profile', 'staging'], { env: ofServer() });
    expect([code, keysOf(other), server.requests]).toEqual([0, ['Bearer key-of-staging'], []]);
    const refused = await run(['sign-in', '--api-url', other.url]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('The key in POSTHORN_OPERATOR_KEY belongs to'),
    ]);
    expect([server.requests.length, other.requests.length]).toEqual([0, 1]);
  });

  it('regression: sends the operator key unencrypted to no other machine', async () => {
    const { code, stderr } = await run(['sign-in'], { env: { ...ofServer(), POSTHORN_API_URL: 'http://192.0.2.1' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('http://192.0.2.1 is not encrypted')]);
  });

  it('regression: has the exit codes and the JSON errors of the other commands', async () => {
    const problem = { code: 'forbidden', detail: 'Only operators.', requestId: 'req_1', errors: [] };
    server.respondWith(json(problem, 403));
    const { code, stderr } = await run(['sign-in', '--json'], { env: ofServer() });
    expect([code, JSON.parse(stderr)]).toEqual([
      4,
      { error: expect.objectContaining({ code: 'forbidden', requestId: 'req_1', exitCode: 4 }) },
    ]);
    await server.close();
    const away = await run(['sign-in', '--json']);
    expect([away.code, JSON.parse(away.stderr)]).toEqual([
      5,
      { error: expect.objectContaining({ code: 'unreachable', exitCode: 5 }) },
    ]);
  });
});

describe('subscriptions', () => {
  const env = () => ({ POSTHORN_URL: server.url, POSTHORN_API_KEY: 'k', POSTHORN_ACCOUNT: 'acme' });
  const subscription = {
    id: 'sub_1',
    accountId: 'acme',
    url: 'https://old.example',
    pendingUrl: 'https://new.example',
    events: [],
    description: null,
    headers: { 'x-team': '••••' },
    pendingHeaders: {},
    authentication: {
      type: 'clientCertificate',
      subject: 'CN=posthorn',
      issuer: 'CN=acme',
      notAfter: '2027-01-01T00:00:00.000Z',
      fingerprint: 'AA',
    },
    pendingAuthentication: null,
    certificateAuthorities: 'PEM',
    rateLimit: 5,
    ordering: 'strict',
    retrySchedule: [10, 300, 7200],
    timeoutMs: 1_500,
    filter: null,
    status: 'active',
    statusReason: null,
    circuit: { state: 'closed' },
    verification: { status: 'pending', error: null },
    headersDropped: [],
  };
  beforeEach(() => server.respondWith(json(subscription)));
  const bodies = () => server.requests.map(({ rawBody }) => rawBody.toString());

  it('regression: every field can be reset', async () => {
    const reset = ['--filter', 'none', '--description', 'none', '--header', 'none', '--rate-limit', 'none'];
    const defaults = ['--retry-schedule', 'default', '--attempt-timeout', 'default', '--events', '*'];
    expect((await run(['subscriptions', 'update', 'sub_1', ...reset, ...defaults], { env: env() })).code).toBe(0);
    expect(bodies().map((body) => JSON.parse(body) as unknown)).toEqual([
      {
        filter: null,
        description: null,
        headers: {},
        rateLimit: null,
        retrySchedule: null,
        timeoutMs: null,
        events: [],
      },
    ]);
  });

  it('regression: get and update show every setting and a URL that is not verified yet', async () => {
    const update = ['subscriptions', 'update', 'sub_1', '--url', 'https://new.example'];
    const { stdout, stderr } = await run(update, { env: env() });
    for (const [name, value] of [
      ['url', 'https://old.example'],
      ['new url', 'https://new.example, used once it is verified'],
      ['events', 'all'],
      ['headers', 'x-team'],
      ['new headers', '–'],
      ['authentication', 'client certificate CN=posthorn, expires 2027-01-01T00:00:00.000Z'],
      ['certificate authorities', 'public and own'],
      ['rate limit', '5 per second'],
      ['ordering', 'strict'],
      ['retry schedule', '10s,5m,2h'],
      ['attempt timeout', '1500 ms'],
    ]) {
      expect(stdout).toMatch(new RegExp(`^${name} +${value}$`, 'm'));
    }
    expect(stderr).toContain('Until it is verified, events go to https://old.example.');
    const plain = { pendingUrl: null, pendingHeaders: null, authentication: null, rateLimit: null, timeoutMs: null };
    server.respondWith(json({ ...subscription, ...plain, retrySchedule: [] }));
    const { stdout: shown } = await run(['subscriptions', 'get', 'sub_1']);
    expect(shown).toMatch(
      /^authentication +none\n[^]*^rate limit +none\n[^]*^retry schedule +none\nattempt timeout +default$/m,
    );
    expect(shown).not.toContain('new url');
  });

  it('disable cancels or holds the pending deliveries', async () => {
    expect((await run(['subscriptions', 'disable', 'sub_1'], { env: env() })).code).toBe(0);
    expect((await run(['subscriptions', 'disable', 'sub_1', '--deliveries', 'hold'])).code).toBe(0);
    expect(bodies()).toEqual(['', '{"deliveries":"hold"}']);
    expect(pathsOf(server)[0]).toBe('POST /v1/accounts/acme/subscriptions/sub_1/disable');
  });

  it('regression: test sends the payload byte for byte', async () => {
    server.respondWith(json({ eventId: 'evt_1', deliveryId: 'dlv_1' }));
    const payload = '{"2":1.50,"1":12345678901234567890}';
    const file = join(folder, 'payload.json');
    writeFileSync(file, payload);
    const test = ['subscriptions', 'test', 'sub_1', '--data', file];
    expect((await run(test, { env: env() })).code).toBe(0);
    expect((await run([...test, '--event', 'message:created'])).code).toBe(0);
    expect(bodies()).toEqual([`{"payload":${payload}}`, `{"event":"message:created","payload":${payload}}`]);
  });
});

it.each([
  [['event-types', 'put', 'order:paid', '--example'], '--example'],
  [['event-types', 'put', 'order:paid', '--schema'], '--schema'],
  [['accounts', 'create', 'acme', '--metadata'], '--metadata'],
])('regression: %j refuses a number that would be rounded', async (args, option) => {
  const file = join(folder, 'object.json');
  writeFileSync(file, '{"id":12345678901234567890}');
  const { code, stderr } = await run([...args, file], { env: { POSTHORN_URL: server.url, POSTHORN_API_KEY: 'k' } });
  expect([code, stderr]).toEqual([
    2,
    `${option}: the number 12345678901234567890 would be rounded to 12345678901234567000.\nFix: Write it as a text: "12345678901234567890".\n`,
  ]);
  expect(server.requests).toEqual([]);
});

describe('doctor', () => {
  const apiCheck = async (args: string[], env: Record<string, string> = {}) => {
    const { code, stdout } = await run(['doctor', '--json', ...args], { env });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; fix: string | null }[] };
    return { code, checks };
  };

  it('skips the API if nothing chooses one', async () => {
    expect(await apiCheck([])).toMatchObject({ code: 0, checks: [{ name: 'API', status: 'skipped' }, {}, {}] });
  });

  it('regression: fails for a connection that no command can use', async () => {
    storeProfiles({ staging: server.url });
    const typo = await apiCheck(['--profile', 'typo']);
    expect(typo).toMatchObject({ code: 1, checks: [{ status: 'failed', fix: 'Choose one of: staging.' }, {}, {}] });
    const withoutUrl = await apiCheck([], { POSTHORN_API_KEY: 'k' });
    expect(withoutUrl).toMatchObject({
      code: 1,
      checks: [{ status: 'failed', fix: expect.stringContaining('Set POSTHORN_URL') }, {}, {}],
    });
  });

  it('regression: an endpoint may have commas in its URL', async () => {
    const url = `${server.url}?tags=a,b`;
    const { checks } = await apiCheck(['--endpoint', url, '--endpoint', other.url]);
    expect(checks.map(({ name }) => name).slice(-2)).toEqual([`Endpoint ${url}`, `Endpoint ${other.url}`]);
  });
});
