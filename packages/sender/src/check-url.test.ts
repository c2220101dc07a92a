import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyOf } from '../test/policy.js';
import { checkUrl } from './check-url.js';

const PRODUCTION = policyOf({ requireHttps: true });
const LOCAL = policyOf({ allow: '127.0.0.0/8,::1,localhost' });
const HTTP = policyOf();

describe('checkUrl', () => {
  it.each([
    ['https://example.com', 'https://example.com/'],
    ['https://example.com/hook?a=1&b=%20#part', 'https://example.com/hook?a=1&b=%20'],
    ['HTTPS://EXAMPLE.com:443/Hook', 'https://example.com/Hook'],
    ['https://example.com./hook', 'https://example.com/hook'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://hooks.example.com:8443/', 'https://hooks.example.com:8443/'],
    ['https://example.com:5432/', 'https://example.com:5432/'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://0x08080808/', 'https://8.8.8.8/'],
    ['https://[2606:4700:0:0::1]/', 'https://[2606:4700::1]/'],
    [`https://example.com/${'a'.repeat(2028)}`, `https://example.com/${'a'.repeat(2028)}`],
  ])('accepts %s in the form that is stored', (raw, href) => {
    expect(checkUrl(raw, PRODUCTION)).toEqual({ ok: true, href });
  });

  it('regression: accepts a host with non-English letters after many others', () => {
    for (let count = 0; count < 20_000; count += 1) checkUrl(`https://example.com/${count % 10}`, PRODUCTION);
    expect(checkUrl('https://bücher.example/', PRODUCTION)).toEqual({
      ok: true,
      href: 'https://xn--bcher-kva.example/',
    });
  });

  it.each([
    ['no text', ''],
    ['some text', 'sometext'],
    ['no scheme', 'example.com/hook'],
    ['no scheme but a port', 'example.com:8080/hook'],
    ['no host', 'https://'],
    ['http', 'http://example.com/'],
    ['another scheme', 'ftp://example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['javascript', 'javascript:alert(1)'],
    ['a leading space', ' https://example.com/'],
    ['a trailing line break', 'https://example.com/\n'],
    ['a tab inside', 'https://exam\tple.com/'],
    ['a space inside', 'https://example.com/a b'],
    ['NUL', 'https://example.com/\0'],
    ['DEL', 'https://example.com/\x7f'],
    ['a no-break space', 'https://example.com/\u00a0'],
    ['an invisible letter', 'https://exam\u00adple.com/'],
    ['half a surrogate pair', 'https://example.com/\ud800'],
    ['the other half', 'https://example.com/\udc00x'],
    ['2049 characters', `https://example.com/${'a'.repeat(2029)}`],
    ['over 2048 characters once encoded', `https://example.com/${'ü'.repeat(1000)}`],
    ['a user name', 'https://user@example.com/'],
    ['a user name and password', 'https://user:pass@example.com/'],
    ['a user name that looks like a host', 'https://example.com@127.0.0.1/'],
    ['a broken host', 'https://exa%00mple.com/'],
    ['an empty label', 'https://example..com/'],
    ['two trailing dots', 'https://example.com../'],
    ['only a dot', 'https://./'],
    ['a label over 63 characters', `https://${'a'.repeat(64)}.example.com/`],
    ['an invalid port', 'https://example.com:99999/'],
    ['a zone id', 'https://[fe80::1%25eth0]/'],
  ])('refuses %s', (_what, raw) => {
    expect(checkUrl(raw, PRODUCTION)).toMatchObject({ ok: false, reason: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  const BAD_PORTS = [
    0, 1, 22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 2049, 4190, 5060, 6000, 6566, 6665, 6669, 6697, 10080,
  ];
  it.each(BAD_PORTS)('refuses port %d', (port) => {
    expect(checkUrl(`https://example.com:${port}/`, PRODUCTION).ok).toBe(false);
    expect(checkUrl(`http://localhost:${port}/`, LOCAL).ok).toBe(false);
  });

  it.each([
    'intranet',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'app.localhost',
    'printer.local',
    'db.internal',
    'router.home.arpa',
    'x.onion',
    'local',
    'metadata',
    'metadata.google.internal',
    'metadata.google.internal.',
    'ｌocalhost',
    '%6cocalhost',
  ])('refuses the name %s', (name) => {
    expect(checkUrl(`https://${name}/`, PRODUCTION).ok).toBe(false);
  });

  it.each([
    '127.0.0.1',
    '127.0.0.1.',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.⓪.⓪.①',
    '１２７.0.0.1',
    '0',
    '0.0.0.0',
    '10.0.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[2002:7f00:1::]',
  ])('refuses the address %s in any spelling', (host) => {
    expect(checkUrl(`http://${host}/`, HTTP)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('private or reserved'),
    });
  });

  it('allows http only if https is not required, and says so', () => {
    expect(checkUrl('http://example.com/', HTTP)).toEqual({ ok: true, href: 'http://example.com/' });
    expect(checkUrl('http://example.com/', PRODUCTION)).toEqual({
      ok: false,
      reason: 'The URL must start with https://.',
    });
    expect(checkUrl('ftp://example.com/', HTTP)).toMatchObject({
      reason: 'The URL must start with https:// or http://.',
    });
  });

  it('allows loopback and localhost in the local stack, and no other addresses', () => {
    const fine = ['localhost', 'localhost.', '127.0.0.1', '127.1', '[::1]'];
    const inside = ['10.0.0.1', '169.254.169.254', '[::ffff:169.254.169.254]', '[fd00::1]', 'metadata'];
    expect([...fine, ...inside].filter((host) => checkUrl(`http://${host}:3000/hook`, LOCAL).ok)).toEqual(fine);
  });

  const PRIVATE_NAMES = ['svc.ns.svc.cluster.local', 'db.internal', 'intranet', 'app.localhost', 'router.home.arpa'];

  it('accepts a private name if networks are allowed: the connection judges its addresses', () => {
    const policy = policyOf({ allow: '10.0.0.0/8' });
    expect(PRIVATE_NAMES.filter((host) => checkUrl(`http://${host}/`, policy).ok)).toEqual(PRIVATE_NAMES);
    expect(['metadata', 'metadata.google.internal'].filter((host) => checkUrl(`http://${host}/`, policy).ok)).toEqual(
      [],
    );
  });

  it.each([...PRIVATE_NAMES, '10.0.0.1'])(
    'refuses %s if nothing is allowed, and names the setting for operators',
    (host) => {
      expect(checkUrl(`http://${host}/`, HTTP)).toMatchObject({
        ok: false,
        reason: expect.stringContaining('Operators can allow private networks with ALLOW_PRIVATE_NETWORKS.'),
      });
    },
  );

  it('allows only the listed name, and never metadata names', () => {
    const names = 'endpoint,db.internal,metadata,metadata.google.internal';
    const policy = policyOf({ allow: names });
    const hosts = [...names.split(','), 'other', 'db2.internal', 'x.db.internal', '10.0.0.1'];
    expect(hosts.filter((host) => checkUrl(`http://${host}/`, policy).ok)).toEqual(['endpoint', 'db.internal']);
  });

  it('a wildcard allows every name below it, except metadata names', () => {
    const policy = policyOf({ allow: '*.svc.cluster.local,*.internal' });
    const fine = ['svc.ns.svc.cluster.local', 'a.svc.cluster.local', 'db.internal'];
    const others = [
      'svc.cluster.local',
      'evilsvc.cluster.local',
      'cluster.local',
      'internal',
      'metadata.google.internal',
    ];
    expect([...fine, ...others].filter((host) => checkUrl(`http://${host}/`, policy).ok)).toEqual(fine);
  });

  it.each([
    ['a name', 'hooks.example.com', 'http://hooks.example.com/'],
    ['a wildcard', '*.example.com', 'http://a.b.example.com/'],
    ['an address', '8.8.8.8', 'http://8.8.8.8/'],
    ['a network', '8.8.8.0/24', 'http://134744072/'],
    ['an IPv6 network', '2606:4700::/32', 'http://[2606:4700::1]/'],
  ])('refuses %s if the operator denies it, even if it is also allowed', (_what, deny, url) => {
    const allow = '0.0.0.0/0,::/0,hooks.example.com,*.example.com';
    expect(checkUrl(url, policyOf({ allow })).ok).toBe(true);
    expect(checkUrl(url, policyOf({ allow, deny }))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('DENY_NETWORKS'),
    });
  });

  it('refuses Posthorn’s own host on every port and in every spelling: a webhook to it is a loop', () => {
    const policy = policyOf({ publicUrl: 'https://hooks.example.com./posthorn' });
    const own = ['https://HOOKS.example.com./x', 'http://hooks.example.com/', 'https://hooks.example.com:3400/'];
    for (const url of own) {
      expect(checkUrl(url, policy)).toMatchObject({
        ok: false,
        reason: expect.stringContaining('ALLOW_PRIVATE_NETWORKS'),
      });
    }
    expect(checkUrl('https://other.example.com/x', policy).ok).toBe(true);
    const shared = policyOf({ publicUrl: 'https://example.com/posthorn', allow: 'example.com' });
    expect(checkUrl('https://example.com/webhook', shared).ok).toBe(true);
  });

  it.each(['http://localhost:3400', 'http://127.0.0.1:3400/', 'http://[::1]:3400'])(
    'on the local host %s, the port distinguishes Posthorn from endpoints',
    (publicUrl) => {
      const policy = policyOf({ allow: '127.0.0.0/8,::1,localhost', publicUrl });
      expect(checkUrl(new URL('/v1', publicUrl).href, policy).ok).toBe(false);
      expect(checkUrl(publicUrl.replace('3400', '3402'), policy).ok).toBe(true);
    },
  );

  it('gives the same reason for every private address', () => {
    const reasons = ['10.0.0.1', '127.0.0.1', '[::1]'].map((host) => checkUrl(`https://${host}/`, PRODUCTION));
    expect(new Set(reasons.map((check) => (check.ok ? '' : check.reason))).size).toBe(1);
  });

  it('property: never throws, and accepts its own result unchanged', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'https://',
        'http://',
        'example.com',
        '127.0.0.1',
        '[::1]',
        '@',
        ':',
        '/',
        '#',
        '%',
        '.',
        '\\',
        '\ud800',
      ),
    );
    const policies = fc.constantFrom(PRODUCTION, LOCAL, HTTP);
    const property = fc.property(fc.array(part, { maxLength: 8 }), policies, (parts, policy) => {
      const check = checkUrl(parts.join(''), policy);
      return !check.ok || isDeepStrictEqual(checkUrl(check.href, policy), check);
    });
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow();
  });
});
