import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownRequestHeaders, wireHeaders } from './wire-headers.js';

const names = fc.oneof(
  fc.constantFrom(
    'Authorization',
    'X-Api-Key',
    'x-token',
    'HOST',
    'Content-Length',
    'webhook-signature',
    'Cookie',
    'Connection',
  ),
  fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
);
// Long enough to be unique.
const secrets = fc.stringMatching(/^s3cr3t-[A-Za-z0-9 =;,/+-]{8,40}$/);
const ours = { userAgent: 'Posthorn/test', webhookId: 'evt_1', timestampSeconds: 1_763_751_300, bodyBytes: 2 };
/** What the record of an attempt contains besides `record`. */
const attempt = {
  url: 'https://hooks.example.com:8443/webhook',
  webhookId: 'evt_1',
  startedAt: new Date(1_763_751_300_999),
};
const pairsOf = (sent: string[]): [name: string, value: string][] =>
  Array.from({ length: sent.length / 2 }, (_, index) => [sent[2 * index] ?? '', sent[2 * index + 1] ?? '']);
const OURS = [
  'content-type',
  'accept',
  'user-agent',
  'accept-encoding',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
];

describe('wireHeaders', () => {
  it('sends a traceparent only if there is one, and a custom header of this name instead of it', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const sentWith = (own: Record<string, string>, value?: string) =>
      pairsOf(wireHeaders({ ...ours, signature: 'v1,x', own, traceparent: value }).sent).filter(
        ([name]) => name.toLowerCase() === 'traceparent',
      );
    expect(sentWith({})).toEqual([]);
    expect(sentWith({}, traceparent)).toEqual([['traceparent', traceparent]]);
    expect(sentWith({ Traceparent: 'own' }, traceparent)).toEqual([['Traceparent', 'own']]);
  });

  it('property: shows all sent headers with their values, but no secrets', () => {
    fc.assert(
      fc.property(
        fc.dictionary(names, secrets, { noNullPrototype: true }),
        fc.array(secrets, { minLength: 1, maxLength: 3 }),
        (own, texts) => {
          const signatures = texts.map((text) => `v1,${text.replaceAll(' ', '')}`);
          const { sent, record } = wireHeaders({ ...ours, signature: signatures.join(' '), own });
          const shown = shownRequestHeaders(JSON.parse(JSON.stringify(record)) as typeof record, attempt);
          for (const secret of [...Object.values(own), ...texts])
            expect(JSON.stringify(shown)).not.toContain(secret.replaceAll(' ', ''));
          const pairs = pairsOf(sent).map(([name, value]) => [name.toLowerCase(), value] as const);
          const sentNames = pairs.map(([name]) => name);
          // undici adds these two.
          expect(Object.keys(shown).toSorted()).toEqual(
            [...new Set([...sentNames, 'host', 'content-length'])].toSorted(),
          );
          expect(shown).toMatchObject({ host: 'hooks.example.com:8443', 'content-length': '2' });
          for (const [name, value] of pairs) if (shown[name] !== '••••') expect(shown[name]).toBe(masked(name, value));
          // Our headers appear once; custom headers do not add to or override them.
          for (const name of OURS) expect(sentNames.filter((one) => one === name)).toHaveLength(1);
          expect(sentNames).not.toContain('host');
          expect(sent[sent.indexOf('webhook-signature') + 1]).toBe(signatures.join(' '));
        },
      ),
      { numRuns: 500 },
    );
    function masked(name: string, value: string): string {
      return name === 'webhook-signature' ? value.replaceAll(/v1,\S+/g, 'v1,••••') : value;
    }
  });

  it('sends `accept: */*` unless the subscription has a header of that name', () => {
    const acceptOf = (own: Record<string, string>) => {
      const { sent, record } = wireHeaders({ ...ours, signature: 'v1,x', own });
      const values = pairsOf(sent).flatMap(([name, value]) => (name.toLowerCase() === 'accept' ? [value] : []));
      return { values, shown: shownRequestHeaders(record, attempt)['accept'] };
    };
    expect(acceptOf({})).toEqual({ values: ['*/*'], shown: '*/*' });
    expect(acceptOf({ Accept: 'application/json' })).toEqual({ values: ['application/json'], shown: '••••' });
  });
});
