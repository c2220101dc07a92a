import { describe, expect, it } from 'vitest';
import { clientAddressOf, parseAddress, trustProxies } from './client-address.js';

describe('parseAddress', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    [' 203.0.113.9 ', '203.0.113.9'],
    ['203.0.113.9:5678', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:80', '203.0.113.9'],
    ['[::1]:443', '::1'],
    ['[::1]', '::1'],
    ['2001:DB8:0:0::0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('reads %j as %s', (text, address) => expect(parseAddress(text)).toBe(address));

  it.each([
    '',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4:x',
    '[::1',
    '[1]:1',
    '1::2::3',
    'a.b',
    '01.2.3.4',
  ])('finds no address in %j', (text) => expect(parseAddress(text)).toBe(null));
});

describe('clientAddressOf', () => {
  const client = (forwarded: string[], proxies: string[] = ['10.0.0.0/8', '2001:db8::/32']) => {
    const isTrusted = trustProxies(proxies);
    const hops = ['10.0.0.1', ...forwarded.toReversed()];
    const end = hops.findIndex((hop) => !isTrusted(hop));
    return clientAddressOf(end === -1 ? hops : hops.slice(0, end + 1));
  };

  it.each([
    ['the entry that the trusted proxy added', ['6.6.6.6', '203.0.113.9'], '203.0.113.9'],
    ['it without its port', ['203.0.113.9:5678'], '203.0.113.9'],
    ['it without its brackets', ['[2001:470::9]:443'], '2001:470::9'],
    [
      'the one before several trusted proxies, also with ports',
      ['203.0.113.9', '10.2.3.4:80', '[2001:db8::7]:1'],
      '203.0.113.9',
    ],
    ['the proxy itself where the entry is no address', ['6.6.6.6', 'garbage'], '10.0.0.1'],
    ['the last proxy before garbage', ['garbage', '10.2.3.4'], '10.2.3.4'],
    ['the proxy itself without entries', [], '10.0.0.1'],
  ])('is %s', (_, forwarded, expected) => expect(client(forwarded)).toBe(expected));

  it('is the socket’s address if no proxy is trusted', () => expect(client(['203.0.113.9'], [])).toBe('10.0.0.1'));
});

it('trustProxies matches single addresses, networks, and IPv4 in IPv6', () => {
  const isTrusted = trustProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  const trusted = ['10.255.0.1', '::ffff:10.0.0.1', '192.0.2.7', 'fd12::1', '::1', '[fd12::1]:8080'];
  expect(trusted.filter(isTrusted)).toEqual(trusted);
  expect(['11.0.0.1', '192.0.2.8', 'fe80::1', '::2', 'garbage', ''].filter(isTrusted)).toEqual([]);
});
