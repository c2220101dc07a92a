/* oxlint-disable unicorn/no-useless-spread -- keeps lists of many short entries compact */
import { connect } from 'node:net';
import { SCOPES } from '@posthorn/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Method, openTestApi } from './api.test-support.js';
import { openDigests } from './digest-tables.test-support.js';
import type { Operation } from './document-check.test-support.js';
import { type Schema, letters, nearly, openValues, weirdValues } from './from-schema.test-support.js';

// Runs for each operation of the document. FAST_CHECK_SEED changes the requests, FUZZ_RUNS their number.
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 8);

const api = await openTestApi();
afterAll(() => api.close());
const valuesOf = openValues(api.document);

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}
interface Route extends Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
const METHODS: Record<string, Method> = { get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' };
const routes = Object.entries(api.document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    id: operation.operationId,
    method: METHODS[method] ?? 'GET',
    path,
    operation: operation as Route,
  })),
);

/** Every id that the API has returned. */
const ids = new Set<string>();
const ID = /^[a-z]{3}_[0-9a-z]{26}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const gather = (text: string) => {
  for (const [, found] of text.matchAll(/"([^"\\]{1,64})"/g)) if (found !== undefined && ID.test(found)) ids.add(found);
};

/** An account with one object of each kind, a key with every scope and a key with one scope. */
async function tenant() {
  const account = await api.account();
  const owner = await api.key(account);
  const reader = await api.key(account, [SCOPES[1]]);
  const subscription = await api.activeSubscription(account);
  const event = { event: 'message:created', payload: { id: 'm_1' } };
  await api.call('POST', `/v1/accounts/${account}/events`, { body: event });
  await api.deps.publisher.drain();
  await api.work();
  for (const list of ['keys', 'subscriptions', 'events', 'deliveries']) {
    gather((await api.call('GET', `/v1/accounts/${account}/${list}`)).text);
  }
  gather((await api.call('GET', '/api/event_subscriptions', { key: owner })).text);
  return { account, owner, reader, subscription };
}
type Tenant = Awaited<ReturnType<typeof tenant>>;

let stranger: Tenant;
beforeAll(async () => {
  stranger = await tenant();
  api.verifyAtOnce(true); // Papercups' routes wait for it
});

interface Shot {
  who: 'operator' | 'owner' | 'reader' | 'stranger' | 'garbage' | 'nobody';
  /** The values of the path parameters. A number selects one of the matching ids. */
  params: (string | number)[];
  query: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
}

const WEIRD_IN_PATH = [
  ...['%00', '%ff', '%ED%A0%80', '%', '%2', '%zz', '%2F', '%5C', '%20', '%0d%0a', '%F0%9F%98%80', '%E2%80%AE'],
  ...['*', '-', '~', 'null', 'undefined', '0', '__proto__', 'constructor', 'a'.repeat(65), 'a'.repeat(500)],
  ...[
    'sub_',
    'sub_zzzzzzzzzzzzzzzzzzzzzzzzzz',
    'evt_00000000000000000000000000',
    'ａｃｃｏｕｎｔ',
    "a'b",
    'a;b',
    'a,b',
  ],
];
const WEIRD_IN_QUERY = [
  ...['limit=0', 'limit=101', 'limit=1e2', 'limit=0x10', 'limit=', 'limit', 'limit=-1', 'limit=1&limit=2', 'limit[]=1'],
  ...[
    'cursor=',
    'cursor=%00',
    'cursor=AAAA',
    'cursor=%ff',
    'cursor=1&cursor=2',
    'status=',
    'status=x',
    'from=x',
    'to=0',
  ],
  ...[
    'from=2026-02-30T00:00:00Z',
    'from=0000-01-01T00:00:00Z',
    'to=9999-12-31T23:59:59.999Z',
    'from=-000001-01-01T00:00:00Z',
  ],
  ...['__proto__=1', '&&&', '=', '%', '%zz=%zz', `x=${'y'.repeat(3_000)}`, 'a[b][c]=1', 'event=%ED%A0%80', 'unknown=1'],
];
// Contents of cursors for each list, with keys that no list ever returned.
const cursors = fc
  .tuple(
    fc.constantFrom('1', '2', ''),
    fc.constantFrom(
      'accounts',
      'keys',
      'eventTypes',
      'eventTypeSchemas',
      'sessions',
      'audit',
      'subscriptions',
      'events',
      'deliveries',
      'x',
    ),
    fc.array(
      fc.constantFrom(
        ...['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'message:created', 'a'],
        ...['2026-11-21T12:00:00.000Z', '1970', '+275760-09-13T00:00:00.000Z', '9999999', '', '\0', '\ud800'],
      ),
      { maxLength: 3 },
    ),
  )
  .map(([version, list, key]) => Buffer.from(JSON.stringify([version, list, ...key])).toString('base64url'));

const oddPath = fc.oneof(
  { weight: 2, arbitrary: fc.nat() },
  { weight: 2, arbitrary: fc.constantFrom(...WEIRD_IN_PATH) },
  { weight: 1, arbitrary: fc.string({ unit: letters, minLength: 1 }).map(encodeURIComponent) },
);
const asQuery = (name: string, value: unknown): string =>
  (Array.isArray(value) ? value : [value])
    .map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(Buffer.from(String(one)).toString())}`)
    .join('&');

const queryOf = (parameters: Parameter[], valuesFor: (parameter: Parameter) => fc.Arbitrary<unknown>) =>
  fc
    .subarray(parameters)
    .chain((chosen) =>
      fc
        .tuple(...chosen.map((one) => valuesFor(one).map((value) => asQuery(one.name, value))))
        .map((parts) => parts.join('&')),
    );
const oddQuery = (parameters: Parameter[]): fc.Arbitrary<string> =>
  fc.oneof(
    queryOf(parameters, ({ name, schema }) =>
      fc.oneof(
        name === 'cursor' ? cursors : valuesOf(schema),
        weirdValues.map((value) => (typeof value === 'object' ? JSON.stringify(value) : value)),
      ),
    ),
    fc.subarray(WEIRD_IN_QUERY, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('&')),
  );

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const RAW_BODIES = [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[]',
    '[1]',
    'null',
    'true',
    '1',
    '1e400',
    '-0',
    '"x"',
    '"\ud83d\ude00"',
    '{"a":}',
    '{a:1}',
    "{'a':1}",
  ],
  ...['{"a":1,"a":2}', '{"":""}', '{"__proto__":{"a":1}}', '\ufeff{}', '{}\0', '{"a":"\0"}', '{"a":"\\u0000"}', '{}{}'],
  ...[
    nested(30),
    nested(1_200),
    nested(20_000),
    `[${'[],'.repeat(5_000)}1]`,
    `{"a":${'9'.repeat(400)}}`,
    'x'.repeat(140_000),
  ],
];
const rawBodies = fc.oneof(
  fc.constantFrom(...RAW_BODIES),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);
function oddBodies(schema: Schema | undefined): fc.Arbitrary<string | Buffer | undefined> {
  if (!schema) return rawBodies;
  const changed = nearly(valuesOf(schema)).map((value) => (value === undefined ? '' : JSON.stringify(value)));
  const broken = fc
    .tuple(changed, fc.nat(), fc.constantFrom('', ',', '\0', '"', '}', '\ud800', '//', '01', '{"x":1}'))
    .map(([text, at, junk]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + junk + text.slice(cut);
    });
  return fc.oneof(
    { weight: 5, arbitrary: changed },
    { weight: 1, arbitrary: broken },
    { weight: 2, arbitrary: rawBodies },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

const CONTENT_TYPES = [
  ...[
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset=latin1',
    'text/plain',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    ';',
    'application/json/x',
    'APPLICATION/JSON',
  ],
];
const oddHeaders = fc.dictionary(
  fc.constantFrom(
    'x-request-id',
    'idempotency-key',
    'accept',
    'content-encoding',
    'x-forwarded-for',
    'cookie',
    'expect',
  ),
  fc.oneof(fc.constantFrom('', ' ', 'gzip', 'x'.repeat(300), '\t', '*/*', '0'), fc.string({ maxLength: 20 })),
  { maxKeys: 2 },
);

const ASPECTS = ['nothing', 'nothing', 'who', 'params', 'query', 'headers', 'body', 'body', 'everything'] as const;

/** Requests that match the document, except in one aspect, in none or in all. */
function shots({ operation }: (typeof routes)[number]): fc.Arbitrary<Shot> {
  const parameters = operation.parameters ?? [];
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const inHeader = parameters.filter((parameter) => parameter.in === 'header');
  const schema = operation.requestBody?.content['application/json']?.schema;
  const isOperators = !JSON.stringify(operation.security).includes('accountKey');
  const callers: Shot['who'][] = ['operator', 'owner', 'reader', 'stranger', 'garbage', 'nobody'];
  const own = fc.record(
    Object.fromEntries(inHeader.map(({ name, schema: value }) => [name.toLowerCase(), valuesOf(value).map(String)])),
    { requiredKeys: [], noNullPrototype: true },
  );
  return fc.constantFrom(...ASPECTS).chain((odd) => {
    const of = <T>(aspect: string, fine: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
      odd === aspect || odd === 'everything' ? other : fine;
    const type = schema ? { 'content-type': 'application/json' } : {};
    return fc.record<Shot>({
      who: of('who', fc.constant(isOperators ? 'operator' : 'owner'), fc.constantFrom(...callers)),
      params: fc.tuple(...inPath.map(() => of<string | number>('params', fc.constant(0), oddPath))),
      query: of(
        'query',
        queryOf(
          inQuery.filter(({ name }) => name !== 'cursor'),
          ({ schema: value }) => valuesOf(value),
        ),
        oddQuery(inQuery),
      ),
      headers: of(
        'headers',
        own.map((headers) => ({ ...headers, ...type })),
        fc
          .tuple(own, fc.constantFrom('application/json', ...CONTENT_TYPES), oddHeaders)
          .map(([headers, contentType, more]) => ({ ...headers, 'content-type': contentType, ...more })),
      ),
      body: of(
        'body',
        schema ? valuesOf(schema).map((value) => JSON.stringify(value)) : fc.constant(undefined),
        oddBodies(schema),
      ),
    });
  });
}

/** Returns the path with its parameters filled in, mostly with existing ids. */
function urlOf(path: string, parameters: Parameter[], shot: Shot, mine: Tenant): string {
  let index = 0;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const chosen = shot.params[index++] ?? 0;
    if (typeof chosen === 'string') return chosen;
    if (name === 'account') return chosen % 5 === 4 ? stranger.account : mine.account;
    const { pattern = ID.source } = parameters.find((parameter) => parameter.name === name)?.schema ?? {};
    const known =
      name === 'name' ? ['fuzz:1', 'message:created'] : [...ids].filter((id) => new RegExp(pattern).test(id));
    // The latest ids belong to the caller.
    return known.at(-1 - (chosen % Math.min(known.length || 1, 12))) ?? 'none';
  });
  return shot.query === '' ? filled : `${filled}?${shot.query}`;
}

const keyOf = (who: Shot['who'], mine: Tenant): string | null =>
  ({
    operator: api.deps.operatorKey,
    owner: mine.owner,
    reader: mine.reader,
    stranger: stranger.owner,
    garbage: 'phk_ü',
    nobody: null,
  })[who];

let everything: Awaited<ReturnType<typeof openDigests>>;
beforeAll(async () => void (everything = await openDigests(api.deps.db)));

describe('for any input, the API never fails, responds as documented, and changes nothing when it rejects a request (V9)', () => {
  it.each(routes)('$id', async (route) => {
    const mine = await tenant();
    let before = await everything();
    const property = fc.asyncProperty(shots(route), async (shot) => {
      const url = urlOf(route.path, route.operation.parameters ?? [], shot, mine);
      const { status, text } = await api.call(route.method, url, {
        key: keyOf(shot.who, mine),
        headers: shot.headers,
        body: shot.body,
      });
      seen.set(status, (seen.get(status) ?? 0) + 1);
      if (status >= 500) throw new Error(`${status}: ${text}`);
      if (status < 400) {
        gather(text);
        await api.deps.publisher.drain();
        await api.work();
      }
      const after = await everything();
      if (status >= 400) expect(after).toEqual(before);
      before = after;
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it('sent both valid and invalid requests', () => {
    for (const status of [200, 201, 202, 204, 400, 401, 403, 404, 415, 422]) expect([...seen.keys()]).toContain(status);
  });
});
const seen = new Map<number, number>();

describe('over a real socket', () => {
  const REQUEST = `POST /v1/accounts/acme/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer nobody\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
  const JUNK = [
    ...[
      '\0',
      '\r',
      '\n',
      '\r\n',
      '\r\n\r\n',
      ' ',
      '\t',
      ':',
      '\x7f',
      '\xff',
      '%00',
      'HTTP/9.9',
      'PRI * HTTP/2.0',
      'CONNECT ',
    ],
    ...[
      'content-length: 9\r\n',
      'content-length: -1\r\n',
      'transfer-encoding: chunked\r\n',
      'transfer-encoding: x\r\n',
    ],
    ...[
      'expect: 100-continue\r\n',
      'expect: x\r\n',
      'connection: upgrade\r\nupgrade: websocket\r\n',
      `x: ${'y'.repeat(20_000)}\r\n`,
    ],
  ];
  const broken = fc
    .tuple(
      fc.array(fc.record({ at: fc.nat(REQUEST.length), cut: fc.nat(12), junk: fc.constantFrom('', ...JUNK) }), {
        minLength: 1,
        maxLength: 3,
      }),
    )
    .map(([changes]) =>
      changes.reduce((text, { at, cut, junk }) => text.slice(0, at) + junk + text.slice(at + cut), REQUEST),
    );

  let port: number;
  beforeAll(async () => void (port = Number(new URL(await api.app.listen({ port: 0, host: '127.0.0.1' })).port)));

  /** Sends only this request. Returns everything that the server sends until it ends the connection. */
  const exchange = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let response = '';
      const socket = connect(port, '127.0.0.1', () => socket.end(Buffer.from(text, 'latin1')));
      socket.setEncoding('latin1').on('data', (chunk: string) => (response += chunk));
      socket.on('error', () => {});
      socket.on('close', () => resolve(response));
    });

  it('responds to invalid HTTP with a 4xx or not at all, changes nothing, and keeps serving others', async () => {
    const before = await everything();
    const property = fc.asyncProperty(broken, async (text) => {
      const response = await exchange(text);
      expect(response).not.toMatch(/^HTTP\/1\.1 5/m);
      if (response !== '') expect(response).toMatch(/^HTTP\/1\.1 (100|[24]\d\d) /);
    });
    await fc.assert(property, { numRuns: 100 });
    expect(await everything()).toEqual(before);
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  });
});
