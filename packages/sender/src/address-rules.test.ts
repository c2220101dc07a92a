import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayReach } from './address-rules.js';
import { parseAllowList } from './allow-list.js';

const NONE = parseAllowList('none');
const EVERYTHING = parseAllowList('0.0.0.0/0,::/0,64:ff9b::/96');
const reaches = (address: string, allowPrivate = NONE, listedName = false) =>
  mayReach(address, allowPrivate, { listedName });

// First and last address of every refused network, and their neighbours if these are public.
const REFUSED: [first: string, last: string][] = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '239.255.255.255'],
  ['240.0.0.0', '255.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
];
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
];

describe('mayReach', () => {
  it.each(REFUSED)('refuses exactly %s to %s', (first, last) => {
    expect([reaches(first), reaches(last)]).toEqual([false, false]);
    const neighbours = [toNumber(first) - 1, toNumber(last) + 1]
      .filter((address) => address >= 0 && address <= 0xffffffff && !isRefused(address))
      .map(dotted);
    expect(neighbours.filter((address) => reaches(address))).toEqual(neighbours);
  });

  it.each([
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '100:0:0:1::1',
    'fc00::1',
    'fdff::1',
    'fe80::1',
    'fe80::1%eth0',
    '2606:4700::1%1',
    'fec0::1',
    'ff02::1',
    '1fff:ffff::1',
    '4000::1',
    '2001::1',
    '2001:1ff:ffff::1',
    '2001:db8::1',
    '2002:808:808::1',
    '2620:4f:8000::1',
    '3fff::1',
    '3fff:fff:ffff::1',
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '[::1]',
  ])('refuses %s', (address) => {
    expect(reaches(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '192.0.1.0',
    '2606:4700::1',
    '2001:200::1',
    '2a00::1',
    '3fff:1000::1',
    '2000::',
    '3ffe::1',
  ])('allows %s', (address) => {
    expect(reaches(address)).toBe(true);
  });

  it('property: judges IPv4 addresses like arithmetic, in and around every network', () => {
    const bounds = REFUSED.flat().map(toNumber);
    const near = fc
      .tuple(fc.constantFrom(...bounds), fc.integer({ min: -300, max: 300 }))
      .map(([bound, step]) => Math.min(Math.max(bound + step, 0), 0xffffffff));
    const anywhere = fc.integer({ min: 0, max: 0xffffffff });
    const property = fc.property(
      fc.oneof(near, anywhere),
      (address) => reaches(dotted(address)) === !isRefused(address),
    );
    expect(() => fc.assert(property, { numRuns: 2_000 })).not.toThrow();
  });

  it('property: allows IPv6 only within 2000::/3, outside its special networks, in any spelling', () => {
    const special: [bigint, number][] = [
      [0x2001n << 112n, 23],
      [0x20010db8n << 96n, 32],
      [0x2002n << 112n, 16],
      [0x2620004f8000n << 80n, 48],
      [0x3fffn << 112n, 20],
    ];
    const bits = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
    const near = fc
      .tuple(fc.constantFrom(...special), bits, fc.boolean())
      .map(([[network, prefix], random, inside]) =>
        inside ? network | (random >> BigInt(prefix)) : network ^ (random >> 1n),
      );
    const global = bits.map((random) => (1n << 125n) | (random >> 3n));
    const property = fc.property(fc.oneof(near, global, bits), fc.constantFrom(...SPELLINGS), (address, spell) => {
      const inside = (network: bigint, prefix: number) =>
        address >> BigInt(128 - prefix) === network >> BigInt(128 - prefix);
      const allowed = inside(1n << 125n, 3) && !special.some(([network, prefix]) => inside(network, prefix));
      return reaches(spell(address)) === allowed;
    });
    expect(() => fc.assert(property, { numRuns: 2_000 })).not.toThrow();
  });

  it('the allow list allows exactly what it names', () => {
    const list = parseAllowList('10.1.0.0/16,::1');
    expect(['10.1.2.3', '::1'].map((address) => reaches(address, list))).toEqual([true, true]);
    expect(['10.2.0.1', '127.0.0.1', '::ffff:10.1.2.3', 'fd00::1'].map((address) => reaches(address, list))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('a listed name may resolve to any address except a metadata address', () => {
    expect(
      ['10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '8.8.8.8'].map((address) => reaches(address, NONE, true)),
    ).toEqual(Array.from({ length: 5 }, () => true));
    expect(reaches('169.254.169.254', NONE, true)).toBe(false);
    expect(reaches('fe80::1%eth0', EVERYTHING, true)).toBe(false);
  });

  const METADATA_SPELLINGS = [
    ...METADATA.flatMap((address) => [
      address,
      `::ffff:${address}`,
      `::${address}`,
      `::ffff:0:${address}`,
      `64:ff9b::${address}`,
    ]),
    '::ffff:a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'FD00:0EC2:0:0:0:0:0:0254',
  ];
  it.each(METADATA_SPELLINGS)('refuses metadata at %s even if everything is on the allow list', (address) => {
    expect(reaches(address, EVERYTHING)).toBe(false);
    expect(reaches(address, EVERYTHING, true)).toBe(false);
  });

  it('with NAT64 opted in, judges the contained IPv4 address', () => {
    const nat64 = parseAllowList('64:ff9b::/96');
    expect(reaches('64:ff9b::8.8.8.8', nat64)).toBe(true);
    expect(
      ['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe'].map((address) => reaches(address, nat64)),
    ).toEqual([false, false, false]);
  });
});

function toNumber(address: string): number {
  return address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

function isRefused(address: number): boolean {
  return REFUSED.some(([first, last]) => address >= toNumber(first) && address <= toNumber(last));
}

const groups = (address: bigint) =>
  Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
const SPELLINGS = [
  (address: bigint) => groups(address).join(':'),
  (address: bigint) =>
    groups(address)
      .map((group) => group.padStart(4, '0'))
      .join(':'),
  (address: bigint) => groups(address).join(':').toUpperCase(),
  (address: bigint) => new URL(`http://[${groups(address).join(':')}]/`).hostname.slice(1, -1),
  (address: bigint) => `${groups(address).slice(0, 6).join(':')}:${dotted(Number(address & 0xffffffffn))}`,
];
