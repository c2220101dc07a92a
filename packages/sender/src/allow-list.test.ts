import { describe, expect, it } from 'vitest';
import { parseAllowList } from './allow-list.js';

describe('parseAllowList', () => {
  it('reads networks, single addresses and host names, in any case and with spaces', () => {
    const list = parseAllowList('127.0.0.0/8, ::1 ,LocalHost,fd12:3456::/32,endpoint_1.internal');
    expect(['127.255.255.255', '::1', 'fd12:3456::9'].map(list.hasAddress)).toEqual([true, true, true]);
    expect(['128.0.0.1', '::2', 'fd12:3457::1', '10.0.0.1'].map(list.hasAddress)).toEqual([false, false, false, false]);
    expect(['localhost', 'endpoint_1.internal'].map(list.hasName)).toEqual([true, true]);
    expect(['x.localhost', 'internal', 'endpoint_2.internal'].map(list.hasName)).toEqual([false, false, false]);
  });

  it('a network covers only its own family, not its spelling in the other one', () => {
    expect(parseAllowList('10.0.0.0/8').hasAddress('::ffff:10.0.0.1')).toBe(false);
    expect(parseAllowList('0.0.0.0/0').hasAddress('::1')).toBe(false);
    expect(parseAllowList('::/0').hasAddress('10.0.0.1')).toBe(false);
  });

  it('a wildcard covers names below it at any depth, but not the name itself', () => {
    const list = parseAllowList('*.svc.cluster.local,exact.example.com');
    expect(['a.svc.cluster.local', 'a.ns.svc.cluster.local'].map(list.hasName)).toEqual([true, true]);
    expect(['svc.cluster.local', 'asvc.cluster.local', '.svc.cluster.local.x'].map(list.hasName)).toEqual([
      false,
      false,
      false,
    ]);
    expect(['a.svc.cluster.local', 'exact.example.com'].map(list.namesExactly)).toEqual([false, true]);
    expect([list.hasNetworks, parseAllowList('::1').hasNetworks]).toEqual([false, true]);
  });

  it.each(['none', '', ' none '])('"%s" lists nothing', (text) => {
    const list = parseAllowList(text);
    expect(
      list.hasAddress('127.0.0.1') || list.hasAddress('::1') || list.hasName('localhost') || list.hasName('none'),
    ).toBe(false);
  });

  it.each([
    ['10.0.0.0/33', '10.0.0.0/33'],
    ['::/129', '::/129'],
    ['127.0.0.1,10.0.0.0/', '10.0.0.0/'],
    ['10.0.0.0/-1', '10.0.0.0/-1'],
    ['10.0.0.0/8/8', '10.0.0.0/8/8'],
    ['10.0/8', '10.0/8'],
    ['127.1', '127.1'],
    ['0x7f', '0x7f'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['[::1]', '[::1]'],
    ['http://localhost', 'http://localhost'],
    ['localhost:3000', 'localhost:3000'],
    ['*', '*'],
    ['*.', '*.'],
    ['*.*.internal', '*.*.internal'],
    ['a.*.internal', 'a.*.internal'],
    ['*.10.0.0.1', '*.10.0.0.1'],
    ['*.none', '*.none'],
    ['localhost,none', 'none'],
    ['localhost,,::1', ''],
    ['a..b', 'a..b'],
  ])('throws for "%s" and names "%s"', (text, entry) => {
    expect(() => parseAllowList(text)).toThrow(`"${entry}"`);
  });
});
