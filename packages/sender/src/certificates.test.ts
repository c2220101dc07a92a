import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate, makeCertificates, makeScratchFolder } from '@posthorn/testing';
import { describe, expect, it } from 'vitest';
import { readAuthoritiesFile } from './authorities-file.js';
import { checkAuthorities, checkClientCertificate } from './certificates.js';

const { key: privateKey, authority, valid, expired, notYetValid } = makeCertificates();
const other = makeCertificate();
const now = new Date();
const folder = makeScratchFolder();
const fileOf = (text: string): string => {
  const path = join(folder, `${text.length}.pem`);
  writeFileSync(path, text);
  return path;
};

describe('a client certificate', () => {
  const check = (certificate: string, key = privateKey) =>
    checkClientCertificate({ certificate, privateKey: key }, now);
  const encrypted = execFileSync('openssl', ['pkey', '-aes256', '-passout', 'pass:x'], {
    input: privateKey,
  }).toString();

  it('is accepted with its key, with or without its chain', () => {
    expect(check(valid)).toBeNull();
    expect(check(`${valid}${authority}`)).toBeNull();
  });

  it.each<[string, () => ReturnType<typeof check>, string, RegExp]>([
    ['expired', () => check(expired), 'certificate', /^expired on 2021-01-01: use a current one$/],
    ['not valid yet', () => check(notYetValid), 'certificate', /^is not valid before 2070-01-01$/],
    ['no PEM', () => check('hello'), 'certificate', /^contains no PEM certificate/],
    ['damaged', () => check(valid.replace(/[A-Za-z]{20}/, '')), 'certificate', /number 1 cannot be read/],
    ['too many', () => check(valid.repeat(11)), 'certificate', /at most 10 certificates/],
    ['a key of another one', () => check(valid, other.key), 'privateKey', /does not belong to the first certificate/],
    ['the chain in the wrong order', () => check(`${authority}${valid}`), 'privateKey', /does not belong/],
    ['no key', () => check(valid, valid), 'privateKey', /is not a private key in PEM/],
    ['an encrypted key', () => check(valid, encrypted), 'privateKey', /is encrypted: remove its passphrase/],
  ])('is refused with the field and what to do: %s', (_what, checked, field, reason) => {
    expect(checked()).toEqual({ field, reason: expect.stringMatching(reason) });
  });
});

it('certificate authorities must be certificates that are valid now', () => {
  expect(checkAuthorities(`# ours\n${authority}\n${other.cert}`, now)).toBeNull();
  expect(checkAuthorities('hello', now)).toMatch(/contains no PEM certificate/);
  expect(checkAuthorities(`${authority}${expired}`, now)).toMatch(/contains CN=localhost, which expired on 2021-01-01/);
  expect(checkAuthorities(privateKey, now)).toMatch(/contains no PEM certificate/);
});

it('EXTRA_CA_CERTS is a file with certificates, or one sentence says what is wrong', () => {
  expect(readAuthoritiesFile(null)).toEqual([]);
  expect(readAuthoritiesFile(fileOf(authority))).toEqual([authority]);
  expect(readAuthoritiesFile(join(folder, 'none'))).toMatch(/^EXTRA_CA_CERTS .* cannot be read \(ENOENT\): .*none$/);
  expect(readAuthoritiesFile(folder)).toMatch(/cannot be read \(EISDIR\)/);
  expect(readAuthoritiesFile(fileOf(''))).toMatch(/contains no PEM certificate/);
  expect(readAuthoritiesFile(fileOf(privateKey))).toMatch(/contains no PEM certificate/);
});
