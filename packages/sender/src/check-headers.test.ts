import { describe, expect, it } from 'vitest';
import { checkHeaders } from './check-headers.js';

describe('checkHeaders', () => {
  it('accepts what integrators need: authorization, custom keys, printable Latin text', () => {
    const headers = { authorization: 'Bearer abc', 'X-Api-Key': 'é ~ ü', 'x-empty': '', 'x-long': 'a'.repeat(4096) };
    expect(checkHeaders(headers)).toEqual({ ok: true });
    expect(checkHeaders({})).toEqual({ ok: true });
  });

  it.each(
    `host content-type Content-Length content-encoding webhook-id webhook-signature Webhook-Anything connection keep-alive
     transfer-encoding te trailer upgrade expect proxy-authorization proxy-connection user-agent accept-encoding
     http2-settings`.split(/\s+/),
  )('refuses %s, which Posthorn or the connection sets', (name) => {
    expect(checkHeaders({ 'x-a': '1', [name]: 'x' })).toMatchObject({ ok: false, name });
  });

  it.each(['', 'a b', 'a:b', 'a\r\nb', 'a\0', 'ä', 'x'.repeat(129)])('refuses the name %j', (name) => {
    expect(checkHeaders({ [name]: 'x' })).toMatchObject({ ok: false, name });
  });

  it.each(['a\r\nx-injected: 1', 'a\n', 'a\0', 'a\x7f', 'a\x85', 'a\tb', '☃', 'a'.repeat(4097)])(
    'refuses the value %j',
    (value) => {
      expect(checkHeaders({ 'x-a': value })).toMatchObject({ ok: false, name: 'x-a' });
    },
  );

  it('accepts twenty headers, not twenty-one, and no duplicate name', () => {
    const names = Array.from({ length: 21 }, (_, index) => [`x-${index}`, '1']);
    expect(checkHeaders(Object.fromEntries(names.slice(1))).ok).toBe(true);
    expect(checkHeaders(Object.fromEntries(names))).toMatchObject({ ok: false, name: 'x-20' });
    expect(checkHeaders({ 'x-a': '1', 'X-A': '2' })).toMatchObject({ ok: false, name: 'X-A' });
  });
});
