import { expect, test } from 'vitest';
import { isSameOrigin } from './same-origin.js';

test.each([
  ['our own page, in current browsers', { 'sec-fetch-site': 'same-origin' }, true],
  ['another port or subdomain of the same site', { 'sec-fetch-site': 'same-site' }, false],
  ['a foreign page', { 'sec-fetch-site': 'cross-site' }, false],
  [
    'a foreign page with a forged Origin',
    { 'sec-fetch-site': 'cross-site', origin: 'http://board:1', host: 'board:1' },
    false,
  ],
  [
    'our own page over plain HTTP, where only Origin is sent',
    { origin: 'http://board:3401', host: 'board:3401' },
    true,
  ],
  ['another port, by Origin', { origin: 'http://board:3402', host: 'board:3401' }, false],
  ['a sandboxed page', { origin: 'null', host: 'board:3401' }, false],
  [
    'behind a proxy that renames the host',
    { origin: 'https://ops.example', host: 'board:3401', 'x-forwarded-host': 'ops.example' },
    true,
  ],
  ['neither header: not a browser', { host: 'board:3401' }, false],
])('%s', (_who, headers, expected) => {
  expect(isSameOrigin({ headers })).toBe(expected);
});
