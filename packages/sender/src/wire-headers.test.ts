import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownAnswerHeaders, wireHeaders } from './wire-headers.js';

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
const OURS = ['content-type', 'user-agent', 'accept-encoding', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];

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
});

describe('shownAnswerHeaders', () => {
  it('property: a receiver’s cookies and credentials are masked, everything else is as it came', () => {
    const masked = fc.constantFrom('set-cookie', 'set-cookie2', 'cookie', 'authorization', 'proxy-authorization');
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(
            masked,
            names.map((name) => name.toLowerCase()),
          ),
          fc.oneof(secrets, fc.array(secrets)),
        ),
        (headers) => {
          const shown = shownAnswerHeaders(headers);
          expect(Object.keys(shown).toSorted()).toEqual(Object.keys(headers).toSorted());
          for (const [name, value] of Object.entries(headers)) {
            const isMasked = /cookie|^(proxy-)?authorization$/.test(name);
            expect(shown[name]).toBe(isMasked ? '••••' : [value].flat().join(', '));
          }
        },
      ),
    );
  });
});
