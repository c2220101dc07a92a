import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Certificates for `localhost` and 127.0.0.1, all with one key, signed by `authority` unless noted. */
type Certificates = {
  key: string;
  authority: string;
  valid: string;
  expired: string;
  notYetValid: string;
  /** For other.example.com. */
  otherName: string;
  selfSigned: string;
  /** Signed by an intermediate authority. */
  leaf: string;
};

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CONFIG = `
[ca]
default_ca = ours
[ours]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
[localhost]
subjectAltName = DNS:localhost, IP:127.0.0.1
[other]
subjectAltName = DNS:other.example.com
`;

/** Makes a certificate for each fault that a client must refuse. Takes about half a second. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-certificates-'));
  const openssl = (...options: string[]) => execFileSync('openssl', options, { stdio: 'pipe', cwd: directory });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const sign = (name: string, { by = 'authority', as = 'localhost', from = '', until = '' } = {}): string => {
    const dates = from === '' ? ['-days', '2'] : ['-startdate', from, '-enddate', until];
    const signer = ['-cert', `${by}.pem`, '-keyfile', `${by}.key`];
    const request = ['-in', as === 'authority' ? `${name}.csr` : 'leaf.csr', '-extensions', as];
    openssl('ca', '-batch', '-notext', '-config', 'config', ...signer, ...request, ...dates, '-out', `${name}.pem`);
    return read(`${name}.pem`);
  };
  try {
    writeFileSync(join(directory, 'config'), CONFIG);
    writeFileSync(join(directory, 'index'), '');
    openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-subj',
      '/CN=authority',
      '-days',
      '2',
      '-keyout',
      'authority.key',
      '-out',
      'authority.pem',
    );
    openssl('req', ...NEW_KEY, '-subj', '/CN=intermediate', '-keyout', 'intermediate.key', '-out', 'intermediate.csr');
    openssl('req', ...NEW_KEY, '-subj', '/CN=localhost', '-keyout', 'leaf.key', '-out', 'leaf.csr');
    const self = ['-key', 'leaf.key', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    openssl('req', '-x509', ...self, '-days', '2', '-out', 'self.pem');
    sign('intermediate', { as: 'authority' });
    return {
      key: read('leaf.key'),
      authority: read('authority.pem'),
      valid: sign('valid'),
      expired: sign('expired', { from: '20200101000000Z', until: '20210101000000Z' }),
      notYetValid: sign('future', { from: '20700101000000Z', until: '20710101000000Z' }),
      otherName: sign('other', { as: 'other' }),
      selfSigned: read('self.pem'),
      leaf: sign('leaf', { by: 'intermediate' }),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
