import type { LookupAddress } from 'node:dns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyOf } from '../test/policy.js';
import { mayReach } from './address-rules.js';
import { permits } from './address-policy.js';
import { parseAllowList } from './allow-list.js';
import { checkUrl } from './check-url.js';
import { guardLookup } from './guarded-lookup.js';

// Every address is judged by its target, in every spelling that a URL parser or a resolver understands.

const NONE = parseAllowList('none');
const POLICY = policyOf();
const RUNS = { numRuns: 1_500 };

/** Returns whether an IPv4 address is public, octet by octet as in the RFCs, independent of our own table. */
function isPublic([a, b, c, d]: Octets): boolean {
  if (a === 0 || a === 10 || a === 127) return false; // RFC 791, 1918, 1122
  if (a === 100 && b >= 64 && b < 128) return false; // RFC 6598: carriers' NAT
  if (a === 169 && b === 254) return false; // RFC 3927: link local
  if (a === 172 && b >= 16 && b < 32) return false; // RFC 1918
  if (a === 192 && b === 168) return false; // RFC 1918
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return false; // RFC 6890, 5737
  if (a === 192 && ((b === 31 && c === 196) || (b === 52 && c === 193))) return false; // RFC 7535, 7450
  if (a === 192 && ((b === 88 && c === 99) || (b === 175 && c === 48))) return false; // RFC 7526, 7534
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false; // RFC 2544, 5737
  if (a === 203 && b === 0 && c === 113) return false; // RFC 5737
  if (a === 168 && b === 63 && c === 129 && d === 16) return false; // Azure's platform address
  return a < 224; // RFC 5771, 1112
}

type Octets = [number, number, number, number];
const octet = fc.integer({ min: 0, max: 255 });
const anywhere: fc.Arbitrary<Octets> = fc.tuple(octet, octet, octet, octet);
// First, last and next address of each network above, and the metadata services.
const NOTABLE =
  `0.0.0.0 0.255.255.255 1.0.0.0 9.255.255.255 10.0.0.0 10.255.255.255 11.0.0.0 100.63.255.255 100.64.0.0 100.127.255.255
   100.128.0.0 100.100.100.200 126.255.255.255 127.0.0.1 127.255.255.255 128.0.0.0 169.253.255.255 169.254.169.254 169.254.170.2
   169.255.0.0 172.15.255.255 172.16.0.0 172.31.255.255 172.32.0.0 192.0.0.192 192.0.1.0 192.0.2.255 192.0.3.0 192.31.196.1
   192.52.193.1 192.88.99.1 192.88.98.255 192.168.0.0 192.168.255.255 192.169.0.0 192.175.48.9 198.17.255.255 198.18.0.0
   198.19.255.255 198.20.0.0 198.51.100.7 198.51.101.0 203.0.113.0 203.0.114.0 223.255.255.255 224.0.0.1 239.255.255.255 240.0.0.0
   255.255.255.255 168.63.129.15 168.63.129.16 168.63.129.17 8.8.8.8 1.1.1.1`.split(/\s+/);
const addresses = fc.oneof(
  anywhere,
  fc.constantFrom(...NOTABLE).map((text) => text.split('.').map(Number) as Octets),
);

type Spell = (octets: Octets) => string;
const toNumber = ([a, b, c, d]: Octets): number => ((a * 256 + b) * 256 + c) * 256 + d;
const dotted: Spell = (octets) => octets.join('.');
const FULL_WIDTH = '０１２３４５６７８９';
const CIRCLED = '⓪①②③④⑤⑥⑦⑧⑨';
const respell = (digits: string) => (text: string) => text.replace(/\d/g, (digit) => digits[Number(digit)] ?? digit);

/** One part of an address: decimal, octal or hexadecimal, with optional leading zeros. */
const part = fc.constantFrom<(value: number) => string>(
  (value) => String(value),
  (value) => `0${value.toString(8)}`,
  (value) => `000${value.toString(8)}`,
  (value) => `0x${value.toString(16)}`,
  (value) => `0X00${value.toString(16).toUpperCase()}`,
);
/** The format of inet_aton: one to four parts; the last one contains the rest. */
const numeric: fc.Arbitrary<Spell> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), part, part, part, part)
  .map(([count, ...spellings]): Spell => (octets) => {
    const rest = octets.slice(count - 1).reduce((sum, value) => sum * 256 + value, 0);
    return [...octets.slice(0, count - 1), rest].map((value, index) => spellings[index]?.(value)).join('.');
  });
/** Characters that a URL parser maps to ASCII first. */
const disguise = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text,
  (text) => `${text}.`,
  respell(FULL_WIDTH),
  (text) => text.replace(/[1-9]/g, (digit) => CIRCLED[Number(digit)] ?? digit),
  (text) => text.replaceAll('.', '。'),
  (text) => text.replaceAll('.', '．'),
  (text) => text.replace(/[0-9a-f]/gi, (char) => `%${char.charCodeAt(0).toString(16)}`),
  (text) => encodeURIComponent(respell(FULL_WIDTH)(text)),
);

const hexOf = (octets: Octets): [string, string] => {
  const [high = '', low = ''] =
    octets
      .map((value) => value.toString(16).padStart(2, '0'))
      .join('')
      .match(/.{4}/g) ?? [];
  return [high, low];
};
const pair: Spell = (octets) => hexOf(octets).join(':');
const inverted: Spell = (octets) => pair(octets.map((value) => 255 - value) as Octets);
// IPv6 addresses that contain an IPv4 address. All are refused, because endpoints do not have such addresses.
const CARRIERS: [name: string, spell: Spell][] = [
  ['mapped, dotted', (octets) => `::ffff:${dotted(octets)}`],
  ['mapped, hexadecimal', (octets) => `::ffff:${pair(octets)}`],
  ['mapped, in full', (octets) => `0:0:0:0:0:ffff:${dotted(octets)}`],
  ['mapped, padded', (octets) => `0000:0000:0000:0000:0000:FFFF:${pair(octets).toUpperCase()}`],
  ['compatible', (octets) => `::${dotted(octets)}`],
  ['compatible, hexadecimal', (octets) => `::${pair(octets)}`],
  ['translated', (octets) => `::ffff:0:${dotted(octets)}`],
  ['NAT64', (octets) => `64:ff9b::${dotted(octets)}`],
  ['NAT64, hexadecimal', (octets) => `0064:FF9B:0:0:0:0:${pair(octets)}`],
  ['NAT64 of a network’s own', (octets) => `64:ff9b:1::${dotted(octets)}`],
  ['6to4', (octets) => `2002:${pair(octets)}::1`],
  ['6to4, in full', (octets) => `2002:${pair(octets)}:0:0:0:0:0`],
  ['Teredo', (octets) => `2001:0:4136:e378:8000:63bf:${inverted(octets)}`],
  ['Teredo, of that server', (octets) => `2001:0000:${pair(octets)}::1`],
  ['ISATAP, link local', (octets) => `fe80::5efe:${dotted(octets)}`],
];

// Those that reach the IPv4 address itself if such a route exists.
const EMBEDDING = CARRIERS.filter(([name]) => /^(mapped|compatible|translated|NAT64(?! of)|6to4)/.test(name));

const says = (host: string) => checkUrl(`http://${host}/hook`, POLICY);

describe('checkUrl', () => {
  it('property: judges an IPv4 address by its target in any spelling', () => {
    const property = fc.property(addresses, numeric, disguise, (octets, spell, hide) => {
      const check = says(hide(spell(octets)));
      expect(check.ok).toBe(isPublic(octets));
      if (check.ok) expect(check.href).toBe(`http://${dotted(octets)}/hook`);
    });
    fc.assert(property, RUNS);
  });

  it('property: rejects invalid spellings: more than four parts, parts too large, broken digits', () => {
    const broken = fc.constantFrom<Spell>(
      (octets) => `${dotted(octets)}.1`,
      ([a, b, c, d]) => `${a}.${b}.${c}.${d + 256}`,
      (octets) => String(toNumber(octets) + 2 ** 32),
      ([a, b, c]) => `${a}.${b}.${c}.08`,
      ([a, b, c]) => `${a}.${b}..${c}`,
    );
    fc.assert(
      fc.property(addresses, broken, (octets, spell) => !says(spell(octets)).ok),
      RUNS,
    );
  });

  it.each(CARRIERS)('property: refuses every IPv4 address inside an IPv6 one: %s', (_name, spell) => {
    fc.assert(
      fc.property(addresses, (octets) => {
        expect(says(`[${spell(octets)}]`).ok).toBe(false);
        expect(mayReach(spell(octets), NONE, { listedName: false })).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('property: a zone id, or any other addition to an address, does not bypass the rules', () => {
    const around = fc.constantFrom<(text: string) => string>(
      (text) => `[::ffff:${text}%25eth0]`,
      (text) => `[::ffff:${text}%eth0]`,
      (text) => `[${text}]`,
      (text) => `[::ffff:${text}`,
      (text) => `::ffff:${text}`,
      (text) => `user@${text}`,
      (text) => `example.com@${text}`,
      (text) => `example.com:pw@${text}`,
      (text) => `${text}..`,
    );
    fc.assert(
      fc.property(
        addresses.filter((octets) => !isPublic(octets)),
        around,
        (octets, put) => !says(put(dotted(octets))).ok,
      ),
      RUNS,
    );
  });
});

describe('mayReach', () => {
  it('property: accepts plain dotted decimals only, and judges them as in the RFCs', () => {
    fc.assert(
      fc.property(addresses, numeric, (octets, spell) => {
        const text = spell(octets);
        expect(mayReach(text, NONE, { listedName: false })).toBe(text === dotted(octets) && isPublic(octets));
      }),
      RUNS,
    );
  });
});

describe('DENY_NETWORKS', () => {
  it('property: no spelling of an address in a denied network passes, whatever is allowed', () => {
    const everything = '0.0.0.0/0,::/0,64:ff9b::/96,hooks.example.com';
    const prefix = fc.integer({ min: 0, max: 32 });
    const property = fc.property(addresses, prefix, fc.nat(), numeric, disguise, (octets, bits, host, spell, hide) => {
      // Another address of the same network: keeps the first bits.
      const inside =
        ((BigInt(toNumber(octets)) >> BigInt(32 - bits)) << BigInt(32 - bits)) |
        (BigInt(host) & ((1n << BigInt(32 - bits)) - 1n));
      const denied = [24n, 16n, 8n, 0n].map((shift) => Number((inside >> shift) & 255n)) as Octets;
      const policy = policyOf({ allow: everything, deny: `${dotted(octets)}/${bits}` });
      expect(permits(policy, dotted(denied), null)).toBe(false);
      expect(permits(policy, dotted(denied), 'hooks.example.com')).toBe(false);
      expect(checkUrl(`http://${hide(spell(denied))}/`, policy).ok).toBe(false);
      const passing = EMBEDDING.filter(([, carry]) => permits(policy, carry(denied), 'hooks.example.com'));
      expect(passing.map(([name]) => name)).toEqual([]);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

describe('guardLookup', () => {
  it('property: reaches a name only if all its addresses are allowed, and then at all of them', async () => {
    const answers = fc.array(
      fc.oneof(
        addresses.map((octets) => ({ address: dotted(octets), fine: isPublic(octets) })),
        fc
          .tuple(addresses, fc.constantFrom(...CARRIERS))
          .map(([octets, [, spell]]) => ({ address: spell(octets), fine: false })),
        fc.constantFrom('2606:4700::1111', '2a00:1450::1').map((address) => ({ address, fine: true })),
        fc.constantFrom('fe80::1%eth0', '::1', 'fd00::1', '', 'localhost').map((address) => ({ address, fine: false })),
      ),
      { maxLength: 4 },
    );
    const property = fc.asyncProperty(answers, async (given) => {
      const lookup = guardLookup(
        () => Promise.resolve(given.map(({ address }) => address)),
        (address) => mayReach(address, NONE, { listedName: false }),
      );
      const found = await new Promise<string[] | null>((resolve) =>
        lookup('hooks.example.com', { all: true }, (error, all) =>
          resolve(error ? null : (all as LookupAddress[]).map(({ address }) => address)),
        ),
      );
      const isFine = given.length > 0 && given.every(({ fine }) => fine);
      expect(found).toEqual(isFine ? given.map(({ address }) => address) : null);
    });
    await fc.assert(property, { numRuns: 500 });
  });
});
