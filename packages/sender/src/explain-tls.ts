import { printable } from './printable.js';

const MAX_NAMES_CHARACTERS = 200;
const FULL_CHAIN = 'Install the full chain: the certificate, then each intermediate one.';
const CLIENT_CERTIFICATE =
  'Accept requests without a client certificate at this URL and verify their signature, or add a client certificate to the webhook.';
const OWN_AUTHORITY = 'or add its authority to the webhook as a certificate authority.';

// Alerts about our certificate: the server requires one, or refuses it.
const ABOUT_OURS =
  /_(CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;
const REFUSED = [
  '{host} refused the client certificate of this webhook',
  'Check that the endpoint trusts its authority, and that the certificate includes each intermediate one.',
] as const;

// Node's codes for certificates are those of OpenSSL's X509_verify_cert. All others are ERR_SSL_ and OpenSSL's reason.
// The reason of an alert from the other side begins with the version that defined it (SSLV3, TLSV1, TLSV13), mostly
// followed by ALERT.
const CAUSES: readonly [codes: RegExp, cause: string, advice: string][] = [
  [/^CERT_HAS_EXPIRED$/, 'The certificate of {host} has expired', 'Renew it.'],
  [/^CERT_NOT_YET_VALID$/, 'The certificate of {host} is not valid yet', 'Install one that is valid now.'],
  [
    /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    'The certificate of {host} is for another name{names}',
    'Install one for the host of the URL, or correct the URL.',
  ],
  [
    /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
    'The certificate of {host} is self-signed',
    `Install one from a public certificate authority, ${OWN_AUTHORITY}`,
  ],
  [
    /^SELF_SIGNED_CERT_IN_CHAIN$/,
    'The certificate of {host} comes from a private certificate authority',
    `Install one from a public authority, ${OWN_AUTHORITY}`,
  ],
  [
    /^UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)$/,
    'The certificate chain of {host} is incomplete, or its authority is not a public one',
    `${FULL_CHAIN} If the authority is your own, add it to the webhook as a certificate authority.`,
  ],
  [/^CERT_REVOKED$/, 'The certificate of {host} has been revoked', 'Install a new one.'],
  [/^INVALID_PURPOSE$/, 'The certificate of {host} is not a server certificate', 'Install a server certificate.'],
  [
    /_(KEY|MD)_TOO_(SMALL|WEAK)$/,
    'A key or a signature of {host} is too weak',
    'Install a certificate with RSA 2048 or P-256, and with SHA-256.',
  ],
  [ABOUT_OURS, '{host} requires a client certificate, and webhooks are sent without one', CLIENT_CERTIFICATE],
  [
    // With TLS 1.2, a server that requires a client certificate sends the same alert as one without a common cipher
    // suite.
    /_HANDSHAKE_FAILURE$/,
    '{host} refused the TLS handshake: it requires a client certificate, or shares no cipher suite with the sender',
    `${CLIENT_CERTIFICATE} Enable the standard cipher suites of TLS 1.2 or 1.3.`,
  ],
  [
    /_INSUFFICIENT_SECURITY$/,
    '{host} shares no cipher suite with the sender',
    'Enable the standard ones of TLS 1.2 or 1.3.',
  ],
  [
    /_(ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|VERSION_TOO_LOW|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/,
    '{host} supports only outdated versions of TLS',
    'Enable TLS 1.2 or 1.3.',
  ],
  [
    /_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE)$/,
    '{host} does not speak TLS on this port; it may speak plain HTTP',
    'Use the port of the HTTPS server in the URL, or set up TLS on this port.',
  ],
  [/_NO_APPLICATION_PROTOCOL$/, '{host} does not offer HTTP/1.1', 'Enable it in addition to HTTP/2.'],
  [/_UNRECOGNIZED_NAME$/, '{host} has no certificate for this name', 'Install one, or correct the URL.'],
  [
    /_INTERNAL_ERROR$/,
    '{host} reported an internal error in the TLS handshake',
    'Check that it has a certificate for this name, and check its log.',
  ],
];
const UNKNOWN = [
  'Could not establish a secure connection to {host}',
  'Check the certificate (name, expiry, full chain) and that TLS 1.2 or 1.3 is enabled.',
] as const;

/** Explains why TLS failed and what to do, by the code of Node or OpenSSL. `error` is the failure itself; for a
 *  wrong name it contains the names of the certificate. `presentsCertificate`: whether we sent a client certificate. */
export function explainTls(
  code: string,
  { host, error, presentsCertificate }: { host: string; error: unknown; presentsCertificate: boolean },
): string {
  const isRefused = presentsCertificate && ABOUT_OURS.test(code);
  const [cause, advice] = isRefused ? REFUSED : (CAUSES.find(([codes]) => codes.test(code))?.slice(1) ?? UNKNOWN);
  const names = certificateNames(error);
  const said = String(cause)
    .replace('{names}', names === null ? '' : ` (${names})`)
    .replace('{host}', host);
  return `${said} (${code}). ${String(advice)}`;
}

function certificateNames(error: unknown): string | null {
  const certificate: unknown = error instanceof Error && 'cert' in error ? error.cert : null;
  if (typeof certificate !== 'object' || certificate === null || !('subjectaltname' in certificate)) return null;
  const { subjectaltname } = certificate;
  if (typeof subjectaltname !== 'string' || subjectaltname === '') return null;
  return printable(Buffer.from(subjectaltname.slice(0, MAX_NAMES_CHARACTERS)));
}
