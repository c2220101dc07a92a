import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Method, openTestApi, type TestApi } from '../api.test-support.js';

let api: TestApi;
let account: string;
let subscription: string;
beforeAll(async () => {
  api = await openTestApi();
  account = await api.account();
  subscription = await api.activeSubscription(account);
});
afterAll(() => api.close());

/** The result of a request: its problem, the fields of the problem, and the changes in the database. */
interface Ending {
  status: number;
  code: string;
  paths: string[];
  leftBehind: string[];
}

async function attempt(method: Method, url: string, call: Parameters<TestApi['call']>[2] = {}): Promise<Ending> {
  const before = await api.counts();
  const { status, json } = await api.call(method, url, call);
  const after = await api.counts();
  return {
    status,
    code: json.code,
    paths: (json.errors ?? []).map(({ path }: { path: string }) => path),
    leftBehind: Object.keys(after).filter((table) => after[table] !== before[table]),
  };
}

const refused = (status: number, code: string, ...paths: string[]): Ending => ({ status, code, paths, leftBehind: [] });
const invalid = (path: string): Ending => refused(422, 'invalid_request', path);
const notFound = refused(404, 'not_found');
const notJson = refused(400, 'invalid_json');

const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
const event = (payload: string) => `{"event":"message:created","payload":${payload}}`;
const letters = (bytes: number) => `{"a":"${'x'.repeat(bytes - '{"a":""}'.length)}"}`;

describe('POST …/events refuses and stores nothing of', () => {
  it.each<[string, string | Buffer, Ending]>([
    ['an empty body', '', notJson],
    ['a body of white space', ' \n', notJson],
    ['text that is not JSON', 'event=message:created', notJson],
    ['JSON that ends too early', '{"event":"message:created"', notJson],
    ['JSON with a comment', '{/* hi */}', notJson],
    ['a body that is not UTF-8', Buffer.from(event('{"a":"\xff"}'), 'latin1'), notJson],
    ['a NUL byte in a string', event('{"a":"\0"}'), notJson],
    ['an array', '[]', invalid('')],
    ['a string', '"message:created"', invalid('')],
    ['null', 'null', invalid('')],
    ['no event', '{"payload":{}}', invalid('event')],
    ['no payload', '{"event":"message:created"}', invalid('payload')],
    ['a type that is a number', '{"event":1,"payload":{}}', invalid('event')],
    ['a type with a NUL', '{"event":"message\\u0000:created","payload":{}}', invalid('event')],
    ['a type with half a surrogate pair', '{"event":"\\ud83d","payload":{}}', invalid('event')],
    ['a type with a space', '{"event":"message created","payload":{}}', invalid('event')],
    ['a type of 129 characters', `{"event":"${'t'.repeat(129)}","payload":{}}`, invalid('event')],
    ['a payload that is an array', event('[]'), invalid('payload')],
    ['a payload that is a string', event('"{}"'), invalid('payload')],
    ['a payload that is null', event('null'), invalid('payload')],
    ['an unknown field', '{"event":"message:created","payload":{},"paylaod":{}}', invalid('paylaod')],
    ['a repeated field', '{"event":"message:created","payload":{},"payload":{}}', invalid('payload')],
    ['a payload with a repeated top-level key', event('{"a":1,"b":2,"a":3}'), invalid('payload.a')],
    ['a payload with a repeated key, once escaped', event('{"a":1,"\\u0061":3}'), invalid('payload.a')],
    ['a payload nested 1001 deep', event(nested(1001)), invalid('payload')],
    ['a payload nested 40 000 deep', event(nested(40_000)), invalid('payload')],
    ['a payload of 257 KiB', event(letters(257 * 1024)), refused(413, 'payload_too_large', 'payload')],
    ['a payload one byte above 256 KiB', event(letters(256 * 1024 + 1)), refused(413, 'payload_too_large', 'payload')],
    ['a body of more than 512 KiB', event(letters(513 * 1024)), refused(413, 'payload_too_large')],
    [
      'a type that is not in the catalogue',
      '{"event":"nobody:knows","payload":{}}',
      refused(422, 'unknown_event_type', 'event'),
    ],
    ['the handshake’s type', '{"event":"webhook:verify","payload":{}}', invalid('event')],
    ['a type of Posthorn’s own events', '{"event":"subscription:disabled","payload":{}}', invalid('event')],
  ])('%s', async (_, body, refusal) => {
    expect(await attempt('POST', `/v1/accounts/${account}/events`, { body })).toEqual(refusal);
  });

  it.each([
    ['text/plain', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['JSON in Latin-1', 'application/json; charset=iso-8859-1'],
    ['no content type at all', ''],
  ])('%s: 415', async (_, type) => {
    const call = { body: event('{}'), headers: { 'content-type': type } };
    expect(await attempt('POST', `/v1/accounts/${account}/events`, call)).toEqual(
      refused(415, 'unsupported_media_type'),
    );
  });

  it.each([
    ['an unknown encoding', 'zstd'],
    ['several encodings', 'gzip, br'],
    ['a repeated encoding', 'gzip, gzip'],
  ])('%s: 415 with the supported encodings', async (_, coding) => {
    const call = { body: gzipSync(event('{}')), headers: { 'content-encoding': coding } };
    expect(await attempt('POST', `/v1/accounts/${account}/events`, call)).toEqual(
      refused(415, 'unsupported_media_type'),
    );
    const { headers, json } = await api.call('POST', `/v1/accounts/${account}/events`, call);
    expect(headers['accept-encoding']).toBe('gzip, deflate, br');
    expect(json.detail).toContain('one content-encoding (gzip, deflate, br)');
  });

  it.each<[string, Buffer, string, Ending]>([
    ['a truncated gzip body', gzipSync(event('{}')).subarray(0, 30), 'gzip', refused(400, 'bad_request')],
    ['a plain body with content-encoding gzip', Buffer.from(event('{}')), 'gzip', refused(400, 'bad_request')],
    ['a gzip body with content-encoding br', gzipSync(event('{}')), 'br', refused(400, 'bad_request')],
    ['a compressed body that is not JSON', gzipSync('event=message:created'), 'gzip', notJson],
    [
      'a body of more than 512 KiB after decompression',
      gzipSync(event(`${' '.repeat(512 * 1024)}{}`)),
      'gzip',
      refused(413, 'payload_too_large'),
    ],
  ])('%s', async (_, body, coding, refusal) => {
    const call = { body, headers: { 'content-encoding': coding } };
    expect(await attempt('POST', `/v1/accounts/${account}/events`, call)).toEqual(refusal);
  });

  it('returns 404 for an unknown account', async () => {
    expect(await attempt('POST', '/v1/accounts/nobody/events', { body: event('{}') })).toEqual(notFound);
  });
});

it.each([
  ['/events', '{"event":NaN}', 'unexpected character "N" at position 9'],
  ['/events', '{"event":"a:b","payload":{', 'unexpected end at position 26'],
  ['/events/batch', '{"events":[tru]}', 'unexpected character "]" at position 14'],
  ['/subscriptions', '{"url":NaN}', 'unexpected character "N" at position 7'],
  ['/subscriptions', '{"url":"https://a.example"', 'unexpected end at position 26'],
])('POST …%s names the position where %s is not JSON, the same on every engine', async (path, body, detail) => {
  const { json } = await api.call('POST', `/v1/accounts/${account}${path}`, { body });
  expect(json.detail).toBe(`The body is not JSON: ${detail}.`);
});

describe('POST …/events accepts, and stores unchanged,', () => {
  it.each([
    ['a payload of 256 KiB', letters(256 * 1024)],
    ['a payload nested 1000 deep', nested(1000)],
    ['an escaped NUL and half a surrogate pair in the payload', '{"a":"\\u0000\\ud83d"}'],
    ['integers of 20 digits and keys in odd order', '{"z":12345678901234567890,"10":1,"9":1,"a":-0.10}'],
    ['a key __proto__ in the payload', '{"__proto__":{"a":1}}'],
    ['a repeated nested key', '{"a":{"b":1,"b":2}}'],
  ])('%s', async (_, payload) => {
    const { status, json } = await api.call('POST', `/v1/accounts/${account}/events`, { body: event(payload) });
    expect(status).toBe(202);
    const { text } = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
    expect(text.endsWith(`"payload":${payload}}`)).toBe(true);
  });

  it('a payload of 256 KiB with 100 KiB of white space around its tokens', async () => {
    const body = event(`${' '.repeat(100 * 1024)}${letters(256 * 1024)}`);
    expect((await api.call('POST', `/v1/accounts/${account}/events`, { body })).status).toBe(202);
  });

  it.each([
    ['gzip', gzipSync],
    ['X-GZip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync], // without a zlib header, as some senders do
    ['br', brotliCompressSync],
    ['identity', (body: Buffer) => body],
  ])('a body with content-encoding: %s', async (coding, compress) => {
    const payload = letters(200 * 1024);
    const call = { body: compress(Buffer.from(event(payload))), headers: { 'content-encoding': coding } };
    const { status, json } = await api.call('POST', `/v1/accounts/${account}/events`, call);
    expect(status).toBe(202);
    const { text } = await api.call('GET', `/v1/accounts/${account}/events/${json.id}`);
    expect(text.endsWith(`"payload":${payload}}`)).toBe(true);
  });

  it('a body that begins with a byte order mark', async () => {
    expect((await api.call('POST', `/v1/accounts/${account}/events`, { body: `\ufeff${event('{}')}` })).status).toBe(
      202,
    );
  });
});

const fine = { url: 'https://hooks.example.com/webhook' };

describe('POST and PATCH …/subscriptions refuse and store nothing of', () => {
  const cases: [string, unknown, Ending][] = [
    ['text that is not JSON', '{', notJson],
    ['an array', [], invalid('')],
    ['a string', '"x"', invalid('')],
    ['an unknown field', { ...fine, uri: 'x' }, invalid('uri')],
    ['a field of the response', { ...fine, status: 'active' }, invalid('status')],
    ['a key __proto__', '{"url":"https://hooks.example.com","__proto__":{"a":1}}', invalid('__proto__')],
    [
      'a nested key __proto__, escaped',
      '{"url":"https://hooks.example.com","metadata":{"_\\u005fproto__":{"a":1}}}',
      invalid('__proto__'),
    ],
    ['a URL that is a number', { url: 1 }, invalid('url')],
    ['a URL that is null', { url: null }, invalid('url')],
    ['an empty URL', { url: '' }, invalid('url')],
    ['a URL of 2049 characters', { url: `https://hooks.example.com/${'x'.repeat(2023)}` }, invalid('url')],
    ['a URL with a NUL', { url: 'https://hooks.example.com/\0' }, invalid('url')],
    ['a URL with half a surrogate pair', { url: 'https://hooks.example.com/\ud83d' }, invalid('url')],
    ['events that are a string', { ...fine, events: 'message:created' }, invalid('events')],
    ['an event that is a number', { ...fine, events: ['message:created', 1] }, invalid('events[1]')],
    ['a bare star', { ...fine, events: ['*'] }, invalid('events[0]')],
    ['a star in the middle', { ...fine, events: ['message:*:x'] }, invalid('events[0]')],
    ['an event with a NUL', { ...fine, events: ['message\0:created'] }, invalid('events[0]')],
    ['101 events', { ...fine, events: Array.from({ length: 101 }, (_, n) => `t:${n}`) }, invalid('events')],
    [
      'an event type that is not in the catalogue',
      { ...fine, events: ['message:created', 'nobody:knows'] },
      refused(422, 'unknown_event_type', 'events[1]'),
    ],
    ['a description with a NUL', { ...fine, description: 'a\0b' }, invalid('description')],
    ['a description with half a surrogate pair', { ...fine, description: '\ude00' }, invalid('description')],
    ['a description of 501 characters', { ...fine, description: 'x'.repeat(501) }, invalid('description')],
    ['metadata that is an array', { ...fine, metadata: [] }, invalid('metadata')],
    ['metadata with a NUL in a value', { ...fine, metadata: { a: [{ b: '\0' }] } }, invalid('metadata.a[0].b')],
    ['metadata with half a surrogate pair in a key', { ...fine, metadata: { '\ud83d': 1 } }, invalid('metadata')],
    [
      'metadata with a number that would be rounded',
      '{"url":"https://hooks.example.com","metadata":{"id":12345678901234567890}}',
      invalid('metadata.id'),
    ],
    ['metadata of more than 16 KiB', { ...fine, metadata: { a: 'x'.repeat(16 * 1024) } }, invalid('metadata')],
    [
      'metadata nested 21 deep',
      `{"url":"https://hooks.example.com","metadata":${nested(22)}}`,
      invalid(`metadata${'.a'.repeat(20)}`),
    ],
    [
      'metadata nested 1000 deep, more than any body may be',
      `{"url":"https://hooks.example.com","metadata":${nested(1_000)}}`,
      invalid(''),
    ],
    [
      'metadata nested 900 deep',
      `{"url":"https://hooks.example.com","metadata":${nested(900)}}`,
      invalid(`metadata${'.a'.repeat(20)}`),
    ],
    ['metadata of more values than a body may have', { ...fine, metadata: { a: Array(10_000).fill(0) } }, invalid('')],
    ['headers that are a list', { ...fine, headers: [['a', 'b']] }, invalid('headers')],
    ['a header value that is a number', { ...fine, headers: { 'x-a': 1 } }, invalid('headers.x-a')],
    ['a header value with a line break', { ...fine, headers: { 'x-a': 'a\r\nx-b: c' } }, invalid('headers.x-a')],
    ['a header value with a NUL', { ...fine, headers: { 'x-a': '\0' } }, invalid('headers.x-a')],
    ['a header name with a space', { ...fine, headers: { 'x a': 'b' } }, invalid('headers.x a')],
    ['a header name that is empty', { ...fine, headers: { '': 'b' } }, invalid('headers.')],
    [
      '21 headers',
      { ...fine, headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'v'])) },
      invalid('headers.x-20'),
    ],
    [
      'the mask instead of a header value',
      { ...fine, headers: { authorization: '••••' } },
      invalid('headers.authorization'),
    ],
    ...[
      'host',
      'user-agent',
      'accept-encoding',
      'Content-Type',
      'content-length',
      'content-encoding',
      'webhook-id',
      'webhook-timestamp',
      'Webhook-Signature',
      'webhook-anything',
      'connection',
      'keep-alive',
      'transfer-encoding',
      'te',
      'trailer',
      'upgrade',
      'expect',
      'http2-settings',
      'proxy-authorization',
      'Proxy-Connection',
    ].map((name): [string, unknown, Ending] => [
      `the header ${name}`,
      { ...fine, headers: { [name]: 'x' } },
      invalid(`headers.${name}`),
    ]),
  ];
  it.each(cases)('%s (POST)', async (_, body, refusal) => {
    expect(await attempt('POST', `/v1/accounts/${account}/subscriptions`, { body })).toEqual(refusal);
  });
  it.each(cases)('%s (PATCH)', async (_, body, refusal) => {
    expect(await attempt('PATCH', `/v1/accounts/${account}/subscriptions/${subscription}`, { body })).toEqual(refusal);
  });

  it('a new subscription without a URL', async () => {
    expect(await attempt('POST', `/v1/accounts/${account}/subscriptions`, { body: {} })).toEqual(invalid('url'));
  });
  it('no body', async () => {
    expect(await attempt('POST', `/v1/accounts/${account}/subscriptions`)).toEqual(invalid(''));
  });
  it('returns 404 for an unknown account', async () => {
    expect(await attempt('POST', '/v1/accounts/nobody/subscriptions', { body: fine })).toEqual(notFound);
  });
});

describe('the URL of a subscription must not be', () => {
  const urls = [
    ['no URL', 'some text'],
    ['without a scheme', 'hooks.example.com/webhook'],
    ['ftp', 'ftp://hooks.example.com/'],
    ['file', 'file:///etc/passwd'],
    ['javascript', 'javascript:alert(1)'],
    ['http, where https is required', 'http://hooks.example.com/'],
    ['with a user and password', 'https://user:pass@hooks.example.com/'],
    ['with a user', 'https://user@hooks.example.com/'],
    ['with white space', 'https://hooks.example.com/a b'],
    ['with a line break', 'https://hooks.example.com/\na'],
    ['with an invisible character', 'https://hooks.example.com/\u200b'],
    ['localhost', 'https://localhost/'],
    ['a name below localhost', 'https://a.localhost/'],
    ['localhost with a dot', 'https://localhost./'],
    ['.local', 'https://printer.local/'],
    ['.internal', 'https://db.internal/'],
    ['a bare name', 'https://intranet/'],
    ['the metadata service’s name', 'https://metadata.google.internal/'],
    ['loopback', 'https://127.0.0.1/'],
    ['loopback as one number', 'https://2130706433/'],
    ['loopback in hex', 'https://0x7f.1/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback, short', 'https://127.1/'],
    ['loopback in full-width digits', 'https://１２７.０.０.１/'],
    ['the unspecified address', 'https://0.0.0.0/'],
    ['10/8', 'https://10.1.2.3/'],
    ['172.16/12', 'https://172.31.0.1/'],
    ['192.168/16', 'https://192.168.0.1/'],
    ['link local', 'https://169.254.1.1/'],
    ['the metadata service’s address', 'https://169.254.169.254/latest/meta-data/'],
    ['carrier-grade NAT', 'https://100.64.0.1/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 unspecified', 'https://[::]/'],
    ['IPv4 in IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['IPv6 unique local', 'https://[fd00::1]/'],
    ['IPv6 link local', 'https://[fe80::1]/'],
    ['NAT64 of loopback', 'https://[64:ff9b::7f00:1]/'],
    ['on the port of SSH', 'https://hooks.example.com:22/'],
    ['on port 0', 'https://hooks.example.com:0/'],
  ] as const;
  it.each(urls)('%s', async (_, url) => {
    expect(await attempt('POST', `/v1/accounts/${account}/subscriptions`, { body: { url } })).toEqual(
      refused(422, 'url_not_allowed', 'url'),
    );
  });

  it('changed to any of these', async () => {
    for (const [, url] of urls) {
      const { status, json } = await api.call('PATCH', `/v1/accounts/${account}/subscriptions/${subscription}`, {
        body: { url },
      });
      expect([url, status, json.code]).toEqual([url, 422, 'url_not_allowed']);
    }
    const { json } = await api.call('GET', `/v1/accounts/${account}/subscriptions/${subscription}`);
    expect(json).toMatchObject({ url: fine.url, pendingUrl: null, status: 'active' });
  });
});

const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');

describe('a list refuses', () => {
  const lists = [
    '/v1/accounts',
    '/v1/event-types',
    '/v1/event-types/message:created/schemas',
    '/v1/replays',
    ...['keys', 'subscriptions', 'events', 'deliveries', 'replays'].map((list) => `/v1/accounts/account-1/${list}`),
  ];
  const queries: [string, string, string][] = [
    ['a limit of 0', 'limit=0', 'limit'],
    ['a limit of 101', 'limit=101', 'limit'],
    ['a limit that is not a number', 'limit=all', 'limit'],
    ['a fractional limit', 'limit=1.5', 'limit'],
    ['two limits', 'limit=1&limit=2', 'limit'],
    ['an unknown parameter', 'offset=10', 'offset'],
    ['an invalid cursor', 'cursor=nonsense', 'cursor'],
    ['an empty cursor', 'cursor=', 'cursor'],
    ['a cursor with a NUL', 'cursor=%00', 'cursor'],
    ['a cursor of another version', `cursor=${cursor('2', 'events', 'x')}`, 'cursor'],
    [
      'a cursor of an unknown list',
      `cursor=${cursor('1', 'attempts', '01890a5d-ac96-774b-bcce-b302099a8057')}`,
      'cursor',
    ],
    ['a cursor with an object in it', `cursor=${cursor('1', 'events', { id: 1 })}`, 'cursor'],
  ];
  for (const list of lists) {
    it.each(queries)(`%s (${list})`, async (_, query, path) => {
      expect(await attempt('GET', `${list}?${query}`)).toEqual(invalid(path));
    });
  }

  it.each([
    ['events', '/v1/accounts', cursor('1', 'accounts', '0000-01-01T00:00:00.000Z', 'x')],
    ['events', '/v1/accounts', cursor('1', 'accounts', 'yesterday', 'x')],
    ['events', '/v1/event-types', cursor('1', 'eventTypes', '2026-01-01T00:00:00.000Z', 'a\0b')],
    [
      'subscriptions',
      '/v1/accounts/account-1/events',
      cursor('1', 'subscriptions', '01890a5d-ac96-774b-bcce-b302099a8057'),
    ],
    ['ids', '/v1/accounts/account-1/events', cursor('1', 'events', "' OR 1=1")],
  ])('a forged cursor of %s (%s)', async (_, list, forged) => {
    expect(await attempt('GET', `${list}?cursor=${forged}`)).toEqual(invalid('cursor'));
  });

  it.each([
    ['subscriptions?status=broken', 'status'],
    ['subscriptions?status=active&status=broken', 'status'],
    ['deliveries?status=broken', 'status'],
    ['deliveries?subscription=evt_01jd4q8y3ne9mav5w2xkq7rf0c', 'subscription'],
    ['deliveries?event=1', 'event'],
    ['deliveries?eventType=a%00b', 'eventType'],
    ['deliveries?from=yesterday', 'from'],
    ['deliveries?to=2026-01-01', 'to'],
    ['deliveries?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['deliveries/count?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['deliveries?statusCode=50x', 'statusCode'],
    ['deliveries?statusCode=500&statusCode=5', 'statusCode[1]'],
    ['deliveries?outcome=ok&outcome=fine', 'outcome'],
    ['deliveries?trigger=cron', 'trigger'],
    ['deliveries?q=a', 'q'],
    ['deliveries?q=%00%00', 'q'],
    ['deliveries/export?format=xlsx', 'format'],
    ['deliveries/export?limit=10', 'limit'],
    ['events/export?format=xlsx', 'format'],
    ['events/export?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['audit/export?limit=10', 'limit'],
    ['events?q=a', 'q'],
    ['events?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['deliveries?replay=sub_01jd4q8y3ne9mav5w2xkq7rf0c', 'replay'],
    ['replays?subscription=rpl_01jd4q8y3ne9mav5w2xkq7rf0c', 'subscription'],
    ['events?event=a%20b', 'event'],
    ['events?from=0000-01-01T00:00:00Z', 'from'],
    ['events?to=9999-12-31T23:59:59-23:59', 'to'],
  ])('%s', async (query, path) => {
    expect(await attempt('GET', `/v1/accounts/${account}/${query}`)).toEqual(invalid(path));
  });

  it.each(lists.slice(4).map((list) => list.replace('account-1', 'nobody')))(
    'returns 404 for an unknown account: %s',
    async (list) => {
      expect(await attempt('GET', list)).toEqual(notFound);
    },
  );
});

/** A path below the account, not below the subscription. */
const REPLAYS = 'replays';
const LONG_AGO = '2020-01-01T00:00:00Z';
const SUB = 'sub_01jd4q8y3ne9mav5w2xkq7rf0c';
const replayOf = (body: object) => ({ since: LONG_AGO, which: 'failed', ...body });

describe('other writes refuse and store nothing of', () => {
  it.each<[string, Method, string, unknown, Ending]>([
    ['an account’s id with a space', 'PUT', '/v1/accounts/a%20b', {}, invalid('account')],
    ['an account’s id with a NUL', 'PUT', '/v1/accounts/a%00b', {}, invalid('account')],
    ['an account’s id of 65 characters', 'PUT', `/v1/accounts/${'a'.repeat(65)}`, {}, invalid('account')],
    ['an account’s name that is a number', 'PUT', '/v1/accounts/x', { name: 1 }, invalid('name')],
    ['an account’s name with a NUL', 'PUT', '/v1/accounts/x', { name: '\0' }, invalid('name')],
    ['an unknown field of an account', 'PUT', '/v1/accounts/x', { id: 'x' }, invalid('id')],
    ['an account without a body', 'PUT', '/v1/accounts/x', undefined, invalid('')],
    ['a key without a name', 'POST', '/v1/accounts/account-1/keys', {}, invalid('name')],
    [
      'a key with an unknown scope',
      'POST',
      '/v1/accounts/account-1/keys',
      { name: 'x', scopes: ['admin'] },
      invalid('scopes[0]'),
    ],
    ['a key without any scope', 'POST', '/v1/accounts/account-1/keys', { name: 'x', scopes: [] }, invalid('scopes')],
    [
      'a key’s name with half a surrogate pair',
      'POST',
      '/v1/accounts/account-1/keys',
      { name: '\ud83d' },
      invalid('name'),
    ],
    ['a key of an unknown account', 'POST', '/v1/accounts/nobody/keys', { name: 'x' }, notFound],
    ['an event type with a bad name', 'PUT', '/v1/event-types/a%20b', {}, invalid('name')],
    ['an event type of 129 characters', 'PUT', `/v1/event-types/${'t'.repeat(129)}`, {}, invalid('name')],
    ['an event type of 10 000 characters', 'PUT', `/v1/event-types/${'t'.repeat(10_000)}`, {}, invalid('name')],
    ['the handshake’s event type', 'PUT', '/v1/event-types/webhook:verify', {}, invalid('name')],
    ['a type of Posthorn’s own events', 'PUT', '/v1/event-types/delivery:failed', {}, invalid('name')],
    ['its deletion', 'DELETE', '/v1/event-types/delivery:failed', undefined, invalid('name')],
    [
      'a test event with a type of Posthorn’s own events',
      'POST',
      'test',
      { event: 'delivery:failed' },
      invalid('event'),
    ],
    ['an example that is not an object', 'PUT', '/v1/event-types/x', { example: 'x' }, invalid('example')],
    [
      'an example with a number that would be rounded',
      'PUT',
      '/v1/event-types/x',
      '{"example":{"id":12345678901234567890}}',
      invalid('example.id'),
    ],
    ['a schema that is not a schema', 'PUT', '/v1/event-types/x', { schema: { type: 'text' } }, invalid('schema')],
    ['a schema that is a text', 'PUT', '/v1/event-types/x', { schema: 'x' }, invalid('schema')],
    [
      'a schema that fetches',
      'PUT',
      '/v1/event-types/x',
      { schema: { $ref: 'https://a.example/' } },
      invalid('schema'),
    ],
    ['enforcement without a schema', 'PUT', '/v1/event-types/x', { enforcement: 'reject' }, invalid('schema')],
    ['an unknown enforcement', 'PUT', '/v1/event-types/x', { enforcement: 'warn' }, invalid('enforcement')],
    [
      'an example that does not match an enforced schema',
      'PUT',
      '/v1/event-types/x',
      { schema: { required: ['id'] }, example: {}, enforcement: 'reject' },
      invalid('example'),
    ],
    ['an import of another document', 'POST', '/v1/event-types/import', { openapi: '3.0.0' }, invalid('openapi')],
    ['an import without webhooks', 'POST', '/v1/event-types/import', { openapi: '3.1.0' }, invalid('webhooks')],
    ['an import of a list', 'POST', '/v1/event-types/import', [], invalid('')],
    [
      'an import with a name that no type may have',
      'POST',
      '/v1/event-types/import',
      { openapi: '3.1.0', webhooks: { 'a b': { post: {} } } },
      invalid('webhooks.a b'),
    ],
    [
      'an unknown choice of a dry run',
      'POST',
      '/v1/event-types/import?dryRun=yes',
      { openapi: '3.1.0' },
      invalid('dryRun'),
    ],
    ['an unknown field of an event type', 'PUT', '/v1/event-types/x', { name: 'x' }, invalid('name')],
    ['disable with an unknown choice', 'POST', 'disable', { deliveries: 'drop' }, invalid('deliveries')],
    ['disable with a choice of null', 'POST', 'disable', { deliveries: null }, invalid('deliveries')],
    ['an unknown field of disable', 'POST', 'disable', { hold: true }, invalid('hold')],
    ['disable with a body that is not an object', 'POST', 'disable', '"hold"', invalid('')],
    ['a negative overlap', 'POST', 'secret/rotate', { overlapSeconds: -1 }, invalid('overlapSeconds')],
    ['an overlap of more than a week', 'POST', 'secret/rotate', { overlapSeconds: 604_801 }, invalid('overlapSeconds')],
    ['an overlap that is a string', 'POST', 'secret/rotate', { overlapSeconds: '60' }, invalid('overlapSeconds')],
    [
      'a test event of an unknown type',
      'POST',
      'test',
      { event: 'nobody:knows' },
      refused(422, 'unknown_event_type', 'event'),
    ],
    [
      'a test event whose payload is a string',
      'POST',
      'test',
      { event: 'message:created', payload: 'x' },
      invalid('payload'),
    ],
    ['a test event that is not JSON', 'POST', 'test', '{', notJson],
    ['a replay without a body', 'POST', REPLAYS, undefined, invalid('')],
    ['a replay that is not JSON', 'POST', REPLAYS, '{', notJson],
    ['a replay whose body is not an object', 'POST', REPLAYS, '[]', invalid('')],
    ['a replay without since', 'POST', REPLAYS, { which: 'failed' }, invalid('since')],
    ['a replay without which', 'POST', REPLAYS, { since: LONG_AGO }, invalid('which')],
    ['a replay with an unknown which', 'POST', REPLAYS, { since: LONG_AGO, which: 'succeeded' }, invalid('which')],
    ['a replay since a day without time', 'POST', REPLAYS, replayOf({ since: '2020-01-01' }), invalid('since')],
    ['a replay since before 1970', 'POST', REPLAYS, replayOf({ since: '1969-12-31T23:59:59Z' }), invalid('since')],
    ['a replay since null', 'POST', REPLAYS, replayOf({ since: null }), invalid('since')],
    [
      'a replay since the future',
      'POST',
      REPLAYS,
      replayOf({ since: '2999-01-01T00:00:00Z', until: '2999-01-02T00:00:00Z' }),
      invalid('since'),
    ],
    [
      'a replay until before since',
      'POST',
      REPLAYS,
      replayOf({ since: '2020-01-02T00:00:00Z', until: '2020-01-01T00:00:00Z' }),
      invalid('since'),
    ],
    [
      'a replay of an empty range, in another time zone',
      'POST',
      REPLAYS,
      replayOf({ until: '2020-01-01T02:00:00+02:00', which: 'missed' }),
      invalid('since'),
    ],
    ['a replay with an until that is not a time', 'POST', REPLAYS, replayOf({ until: null }), invalid('until')],
    ['a dry run that is a string', 'POST', REPLAYS, replayOf({ dryRun: 'yes' }), invalid('dryRun')],
    ['an unknown field of a replay', 'POST', REPLAYS, replayOf({ limit: 1 }), invalid('limit')],
    ['accounts in a replay of an account', 'POST', REPLAYS, replayOf({ accounts: ['acme'] }), invalid('accounts')],
    ['no subscription at all', 'POST', REPLAYS, replayOf({ subscriptions: [] }), invalid('subscriptions')],
    [
      'a subscription that is not in a list',
      'POST',
      REPLAYS,
      replayOf({ subscriptions: SUB }),
      invalid('subscriptions'),
    ],
    [
      'more subscriptions than 50',
      'POST',
      REPLAYS,
      replayOf({ subscriptions: Array(51).fill(SUB) }),
      invalid('subscriptions'),
    ],
    [
      'a subscription that is an event',
      'POST',
      REPLAYS,
      replayOf({ subscriptions: [SUB.replace('sub', 'evt')] }),
      invalid('subscriptions[0]'),
    ],
    ['a subscription that is unknown', 'POST', REPLAYS, replayOf({ subscriptions: [SUB] }), invalid('subscriptions')],
    ['an invalid event type', 'POST', REPLAYS, replayOf({ eventTypes: ['a b'] }), invalid('eventTypes[0]')],
    ['event types that are a number', 'POST', REPLAYS, replayOf({ eventTypes: 1 }), invalid('eventTypes')],
    ['a replay of pending deliveries', 'POST', REPLAYS, replayOf({ statuses: ['pending'] }), invalid('statuses[0]')],
    ['no status at all', 'POST', REPLAYS, replayOf({ statuses: [] }), invalid('statuses')],
    [
      'statuses of missed events',
      'POST',
      REPLAYS,
      replayOf({ which: 'missed', statuses: ['failed'] }),
      invalid('statuses'),
    ],
    ['an unknown outcome', 'POST', REPLAYS, replayOf({ outcomes: ['slow'] }), invalid('outcomes[0]')],
    [
      'outcomes of missed events',
      'POST',
      REPLAYS,
      replayOf({ which: 'missed', outcomes: ['ok'] }),
      invalid('outcomes'),
    ],
    ['an invalid HTTP status', 'POST', REPLAYS, replayOf({ statusCodes: ['5x'] }), invalid('statusCodes[0]')],
    ['an HTTP status that is a number', 'POST', REPLAYS, replayOf({ statusCodes: [500] }), invalid('statusCodes[0]')],
    ['an unknown trigger', 'POST', REPLAYS, replayOf({ triggers: ['cron'] }), invalid('triggers[0]')],
    [
      'triggers of missed events',
      'POST',
      REPLAYS,
      replayOf({ which: 'missed', triggers: ['auto'] }),
      invalid('triggers'),
    ],
    ['a replay of a replay that is a subscription', 'POST', REPLAYS, replayOf({ replay: SUB }), invalid('replay')],
    [
      'a replay of an unknown replay',
      'POST',
      REPLAYS,
      replayOf({ replay: SUB.replace('sub', 'rpl') }),
      invalid('replay'),
    ],
    ['a search by one character', 'POST', REPLAYS, replayOf({ q: 'a' }), invalid('q')],
    ['a search by NUL', 'POST', REPLAYS, replayOf({ q: '\0\0' }), invalid('q')],
    ['an event that is a subscription', 'POST', REPLAYS, replayOf({ event: SUB }), invalid('event')],
    [
      'an event that is unknown',
      'POST',
      REPLAYS,
      { which: 'failed', event: SUB.replace('sub', 'evt') },
      invalid('event'),
    ],
    ['an operators’ replay without since', 'POST', '/v1/replays', { which: 'failed' }, invalid('since')],
    ['an operators’ replay of no account', 'POST', '/v1/replays', replayOf({ accounts: [] }), invalid('accounts')],
    [
      'an operators’ replay of an invalid account',
      'POST',
      '/v1/replays',
      replayOf({ accounts: ['a b'] }),
      invalid('accounts[0]'),
    ],
    [
      'an operators’ replay of an unknown account',
      'POST',
      '/v1/replays',
      replayOf({ accounts: ['nobody-knows'] }),
      invalid('accounts'),
    ],
    [
      'an operators’ replay of one event',
      'POST',
      '/v1/replays',
      replayOf({ event: SUB.replace('sub', 'evt') }),
      invalid('event'),
    ],
    ['a test event with an unknown field', 'POST', 'test', { type: 'message:created' }, invalid('type')],
    [
      'a test event whose payload is too large',
      'POST',
      'test',
      `{"payload":${letters(257 * 1024)}}`,
      refused(413, 'payload_too_large', 'payload'),
    ],
  ])('%s', async (_, method, url, body, refusal) => {
    expect(
      await attempt(
        method,
        url === REPLAYS
          ? `/v1/accounts/${account}/replays`
          : url.startsWith('/')
            ? url
            : `/v1/accounts/${account}/subscriptions/${subscription}/${url}`,
        { body },
      ),
    ).toEqual(refusal);
  });
});

describe('an invalid id is a 404, like an unknown one', () => {
  const ids = [
    'x',
    'sub_',
    'sub_01JD4Q8Y3NE9MAV5W2XKQ7RF0C',
    'sub_81jd4q8y3ne9mav5w2xkq7rf0c',
    'evt_01jd4q8y3ne9mav5w2xkq7rf0c',
    '01890a5d-ac96-774b-bcce-b302099a8057',
    'sub_01jd4q8y3ne9mav5w2xkq7rf0c%00',
    "sub_'%20OR%201=1",
    'a'.repeat(400),
  ];
  it.each(ids)('subscriptions/%s', async (id) => {
    expect(await attempt('GET', `/v1/accounts/${account}/subscriptions/${id}`)).toEqual(notFound);
  });
  it.each<[Method, string]>([
    ['GET', 'events/x'],
    ['GET', 'deliveries/x'],
    ['POST', 'deliveries/x/retry'],
    ['GET', 'replays/x'],
    ['POST', 'replays/x/cancel'],
    ['DELETE', 'keys/x'],
    ['POST', 'subscriptions/x/pause'],
  ])('%s %s', async (method, path) => {
    expect(await attempt(method, `/v1/accounts/${account}/${path}`)).toEqual(notFound);
  });
  it('an account id', async () => {
    expect(await attempt('GET', '/v1/accounts/a%20b')).toEqual(notFound);
  });
});
