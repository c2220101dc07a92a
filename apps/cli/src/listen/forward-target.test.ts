import { expect, it } from 'vitest';
import { toTarget } from './forward-target.js';

it('completes ports and hosts, and keeps path and query', () => {
  expect(
    ['3000', '3000/webhook', 'localhost:3000/a?b=c', 'https://localhost/x'].map((text) => toTarget(text).href),
  ).toEqual([
    'http://localhost:3000/',
    'http://localhost:3000/webhook',
    'http://localhost:3000/a?b=c',
    'https://localhost/x',
  ]);
});

it('refuses other machines and other schemes', () => {
  for (const text of ['http://192.168.0.2/webhook', 'example.com']) {
    expect(() => toTarget(text)).toThrow('is not this machine');
    expect(toTarget(text, { allowRemote: true }).pathname).toMatch(/^\/(webhook)?$/);
  }
  expect(() => toTarget('ftp://localhost')).toThrow('--forward must be an http or https URL');
});
