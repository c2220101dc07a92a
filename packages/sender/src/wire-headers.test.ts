import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wireHeaders } from './wire-headers.js';

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
// Long enough to be found by chance nowhere else.
const secrets = fc.stringMatching(/^s3cr3t-[A-Za-z0-9 =;,/+-]{8,40}$/);
const ours = {
  userAgent: 'Posthorn/test',
  host: 'hooks.example.com',
  webhookId: 'evt_1',
  timestampSeconds: 1_763_751_300,
  contentLength: 2,
};
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
  it('property: what is shown holds no value of the receiver’s own headers and no signature, and names all that is sent', () => {
    fc.assert(
      fc.property(
        fc.dictionary(names, secrets, { noNullPrototype: true }),
        fc.array(secrets, { minLength: 1, maxLength: 3 }),
        (own, signatures) => {
          const signature = signatures.map((text) => `v1,${text.replaceAll(' ', '')}`).join(' ');
          const { sent, shown } = wireHeaders({ ...ours, signature, own });
          for (const secret of [...Object.values(own), ...signatures])
            expect(JSON.stringify(shown)).not.toContain(secret.replaceAll(' ', ''));
          const sentNames = sent.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
          expect(Object.keys(shown)).toEqual(expect.arrayContaining(sentNames));
          // Ours come once: nothing of the receiver's stands beside or over them.
          for (const name of OURS) expect(sentNames.filter((one) => one === name)).toHaveLength(1);
          expect(sentNames).not.toContain('host');
          expect(sent[sent.indexOf('webhook-signature') + 1]).toBe(signature);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('sends `accept: */*` unless the subscription has a header of that name', () => {
    const acceptOf = (own: Record<string, string>) => {
      const { sent, shown } = wireHeaders({ ...ours, signature: 'v1,x', own });
      const values = sent.filter((_, index) => index % 2 === 1 && sent[index - 1]?.toLowerCase() === 'accept');
      return { values, shown: shown['accept'] };
    };
    expect(acceptOf({})).toEqual({ values: ['*/*'], shown: '*/*' });
    expect(acceptOf({ Accept: 'application/json' })).toEqual({ values: ['application/json'], shown: '••••' });
  });
});
