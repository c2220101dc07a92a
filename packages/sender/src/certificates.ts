import { createPrivateKey, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { codeOf } from './connect-failure.js';

/** Maximum number of certificates in the PEM text of a subscription. */
const MAX_CERTIFICATES = 10;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** What is shown of a certificate. */
export interface CertificateFacts {
  subject: string;
  issuer: string;
  notBefore: Date;
  notAfter: Date;
  /** SHA-256, as hex pairs with colons. */
  fingerprint: string;
}

export type PemResult = { ok: true; certificates: X509Certificate[] } | { ok: false; reason: string };

/** Parses the certificates in a PEM text. Text outside of them is ignored, as by OpenSSL. `most`: how many are allowed.
 *  Never throws. `reason` begins with a verb and never repeats the text. */
export function readCertificates(pem: string, most = MAX_CERTIFICATES): PemResult {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { ok: false, reason: 'contains no PEM certificate (-----BEGIN CERTIFICATE-----)' };
  if (blocks.length > most) return { ok: false, reason: `must have at most ${most} certificates` };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { ok: false, reason: `contains an invalid certificate: number ${index + 1} cannot be read` };
    }
  }
  return { ok: true, certificates };
}

export const factsOf = (certificate: X509Certificate): CertificateFacts => ({
  subject: oneLine(certificate.subject),
  issuer: oneLine(certificate.issuer),
  notBefore: new Date(certificate.validFrom),
  notAfter: new Date(certificate.validTo),
  fingerprint: certificate.fingerprint256,
});

export type CertificateProblem = { field: 'certificate' | 'privateKey'; reason: string };

/** Returns why a client certificate cannot be used now; null if it can. */
export type CheckClientCertificate = (
  client: { certificate: string; privateKey: string },
  now: Date,
) => CertificateProblem | null;

export const checkClientCertificate: CheckClientCertificate = ({ certificate, privateKey }, now) => {
  const read = readCertificates(certificate);
  if (!read.ok) return { field: 'certificate', reason: read.reason };
  const [leaf] = read.certificates;
  if (leaf === undefined) return { field: 'certificate', reason: 'contains no certificate' };
  const validity = checkValidity(leaf, now);
  if (validity !== null) return { field: 'certificate', reason: validity };

  const keyProblem = checkPrivateKey(leaf, privateKey);
  if (keyProblem !== null) return { field: 'privateKey', reason: keyProblem };
  try {
    tls.createSecureContext({ cert: certificate, key: privateKey });
    return null;
  } catch (error) {
    const reason = `is not accepted by TLS (${codeOf(error) ?? 'unknown error'}): use RSA 2048 or P-256, with SHA-256`;
    return { field: 'certificate', reason };
  }
};

/** Returns why a PEM text cannot be used as certificate authorities now; null if it can. */
export function checkAuthorities(pem: string, now: Date): string | null {
  const read = readCertificates(pem);
  if (!read.ok) return read.reason;
  for (const certificate of read.certificates) {
    const problem = checkValidity(certificate, now);
    if (problem !== null) return `contains ${oneLine(certificate.subject) || 'a certificate'}, which ${problem}`;
  }
  return null;
}

function checkValidity(certificate: X509Certificate, now: Date): string | null {
  const { notBefore, notAfter } = factsOf(certificate);
  if (notAfter <= now) return `expired on ${dayOf(notAfter)}: use a current one`;
  // Clocks differ, so a certificate that was made a moment ago is accepted.
  if (notBefore.getTime() > now.getTime() + DAY_MS) return `is not valid before ${dayOf(notBefore)}`;
  return null;
}

function checkPrivateKey(leaf: X509Certificate, pem: string): string | null {
  if (/ENCRYPTED/.test(pem)) return 'is encrypted: remove its passphrase with openssl pkey -in key.pem';
  try {
    const key = createPrivateKey(pem);
    return leaf.checkPrivateKey(key) ? null : 'does not belong to the first certificate in `certificate`';
  } catch {
    return 'is not a private key in PEM (-----BEGIN PRIVATE KEY-----)';
  }
}

export const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** OpenSSL writes one attribute per line. */
const oneLine = (name: string | undefined): string => (name ?? '').split('\n').filter(Boolean).join(', ');
