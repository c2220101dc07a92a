import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllowList } from './allow-list.js';
import { checkUrl } from './check-url.js';

const PRODUCTION = { allowPrivate: parseAllowList('none'), requireHttps: true };
const LOCAL = { allowPrivate: parseAllowList('127.0.0.0/8,::1,localhost'), requireHttps: false };
const HTTP = { allowPrivate: parseAllowList('none'), requireHttps: false };

describe('checkUrl (X1, X2)', () => {
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

  it('regression: accepts a host that is not English also after many others', () => {
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
    ['a host that only looks like one', 'https://example.com@127.0.0.1/'],
    ['a broken host', 'https://exa%00mple.com/'],
    ['an empty label', 'https://example..com/'],
    ['two trailing dots', 'https://example.com../'],
    ['only a dot', 'https://./'],
    ['a label over 63 characters', `https://${'a'.repeat(64)}.example.com/`],
    ['a port that is none', 'https://example.com:99999/'],
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
  ])('refuses the address %s however it is spelt', (host) => {
    expect(checkUrl(`http://${host}/`, HTTP)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('private or reserved'),
    });
  });

  it('allows http only where https is not required, and says so', () => {
    expect(checkUrl('http://example.com/', HTTP)).toEqual({ ok: true, href: 'http://example.com/' });
    expect(checkUrl('http://example.com/', PRODUCTION)).toEqual({
      ok: false,
      reason: 'The URL must start with https://.',
    });
    expect(checkUrl('ftp://example.com/', HTTP)).toMatchObject({
      reason: 'The URL must start with https:// or http://.',
    });
  });

  it('lets the local stack reach loopback and localhost, and nothing else inside', () => {
    const fine = ['localhost', 'localhost.', '127.0.0.1', '127.1', '[::1]'];
    const inside = [
      '10.0.0.1',
      'app.localhost',
      'db.internal',
      'intranet',
      '169.254.169.254',
      '[::ffff:169.254.169.254]',
    ];
    expect([...fine, ...inside].filter((host) => checkUrl(`http://${host}:3000/hook`, LOCAL).ok)).toEqual(fine);
  });

  it('a listed name is lifted alone; metadata names never are', () => {
    const names = 'receiver,db.internal,metadata,metadata.google.internal';
    const policy = { allowPrivate: parseAllowList(names), requireHttps: false };
    const hosts = [...names.split(','), 'other', 'db2.internal', 'x.db.internal', '10.0.0.1'];
    expect(hosts.filter((host) => checkUrl(`http://${host}/`, policy).ok)).toEqual(['receiver', 'db.internal']);
  });

  it("refuses the service's own names: a webhook to them is a loop", () => {
    const policy = { ...PRODUCTION, ownHosts: ['hooks.example.com'] };
    expect(checkUrl('https://HOOKS.example.com./x', policy).ok).toBe(false);
    expect(checkUrl('https://other.example.com/x', policy).ok).toBe(true);
  });

  it('never tells what an address is: the reason is the same for every private one', () => {
    const reasons = ['10.0.0.1', '127.0.0.1', '[::1]'].map((host) => checkUrl(`https://${host}/`, PRODUCTION));
    expect(new Set(reasons.map((check) => (check.ok ? '' : check.reason))).size).toBe(1);
  });

  it('property: never throws, and what it accepts it accepts again unchanged', () => {
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
    expect(() => fc.assert(property, { numRuns: 2_000 })).not.toThrow();
  });
});
