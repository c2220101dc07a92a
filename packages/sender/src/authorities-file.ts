import { readFileSync } from 'node:fs';
import { readCertificates } from './certificates.js';
import { codeOf } from './connect-failure.js';

/** Reads the file of the setting EXTRA_CA_CERTS; null: not set. Returns the PEM text of all certificates, or a sentence that
 *  says what is wrong. */
export function readAuthoritiesFile(path: string | null): string[] | string {
  if (path === null) return [];
  try {
    const pem = readFileSync(path, 'utf8');
    const read = readCertificates(pem, Infinity);
    return read.ok ? [pem] : `EXTRA_CA_CERTS names a file that ${read.reason}: ${path}`;
  } catch (error) {
    return `EXTRA_CA_CERTS names a file that cannot be read (${codeOf(error) ?? 'unknown error'}): ${path}`;
  }
}
