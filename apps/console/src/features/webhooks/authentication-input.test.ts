import { type Authentication, MASK } from '@posthorn/contract';
import { describe, expect, it } from 'vitest';
import { authenticationInput, authenticationValues, expiryWarning } from './authentication-input.js';

const oauth2: Authentication = {
  type: 'oauth2',
  tokenUrl: 'https://login.example.com/token',
  clientId: 'posthorn',
  clientSecret: MASK,
  clientAuthentication: 'client_secret_post',
  scope: 'a b',
  audience: null,
};
const certificate: Authentication = {
  type: 'clientCertificate',
  subject: 'CN=a',
  issuer: 'CN=b',
  notAfter: '2027-01-01T00:00:00.000Z',
  fingerprint: 'AA',
};
const none = authenticationValues(null);
const problemsOf = (values: object) =>
  authenticationInput.safeParse(values).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('the inputs of an authentication', () => {
  it('send what was entered, and null for an empty scope', () => {
    const entered = {
      ...none,
      kind: 'oauth2',
      tokenUrl: ' https://a.example/ ',
      clientId: 'c',
      clientSecret: 's',
    } as const;
    expect(authenticationInput.parse(entered)).toEqual({
      type: 'oauth2',
      tokenUrl: 'https://a.example/',
      clientId: 'c',
      clientSecret: 's',
      clientAuthentication: 'client_secret_basic',
      scope: null,
      audience: null,
    });
    expect(authenticationInput.parse(none)).toBeNull();
  });

  it('keep a stored secret that was not entered again', () => {
    expect(authenticationInput.parse(authenticationValues(oauth2))).toEqual(oauth2);
    const renewed = { ...authenticationValues(certificate), certificate: 'new' };
    expect(authenticationInput.parse(renewed)).toEqual({
      type: 'clientCertificate',
      certificate: 'new',
      privateKey: MASK,
    });
    expect(authenticationInput.parse(authenticationValues(certificate))).toBeUndefined();
    expect(authenticationInput.parse({ ...authenticationValues(certificate), kind: 'none' })).toBeNull();
  });

  it('require what is not stored', () => {
    expect(problemsOf({ ...none, kind: 'oauth2' })).toEqual([
      'tokenUrl: Enter a value.',
      'clientId: Enter a value.',
      'clientSecret: Enter a value.',
    ]);
    expect(problemsOf({ ...authenticationValues(oauth2), kind: 'clientCertificate' })).toEqual([
      'certificate: Enter a value.',
      'privateKey: Enter a value.',
    ]);
    expect(problemsOf({ ...authenticationValues(certificate), privateKey: 'new' })).toEqual([
      'certificate: Enter a value.',
    ]);
  });
});

it('warns about a certificate that expires within 30 days', () => {
  const at = (text: string) => expiryWarning('2027-01-31T12:00:00Z', Date.parse(text));
  expect(at('2026-12-31T12:00:00Z')).toBeNull();
  expect(at('2027-01-01T12:00:00Z')).toContain('expires in 30 days');
  expect(at('2027-01-30T11:00:00Z')).toContain('expires in 1 day.');
  expect(at('2027-01-31T11:00:00Z')).toContain('expires today');
  expect(at('2027-01-31T13:00:00Z')).toContain('has expired. Nothing is sent');
});
