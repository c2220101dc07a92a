import { createHash, type X509Certificate } from 'node:crypto';
import tls, { type SecureContext } from 'node:tls';
import type { Agent } from 'undici';
import type { Authentication, AuthFailure } from './access.js';
import { dayOf, factsOf, readCertificates } from './certificates.js';
import { openGuardedAgent } from './guarded-agent.js';
import type { GuardedConnect } from './guarded-connect.js';

/** How many identities keep their connections open. The least recently used one loses them first. */
const MAX_IDENTITIES = 500;

/** What a connection presents and trusts, beyond the default. */
export interface TlsIdentity {
  certificateAuthorities: string | null;
  clientCertificate: Extract<Authentication, { type: 'clientCertificate' }> | null;
}

export interface Agents {
  /** For requests without an identity of their own. */
  shared: Agent;
  /** Returns the agent of an identity, or why its certificate cannot be used now. Connections and TLS sessions are never
   *  shared between identities. Dispatch on it at once: an agent that is not used may be closed. */
  agentOf(identity: TlsIdentity): { ok: true; agent: Agent } | AuthFailure;
  destroy(): Promise<void>;
}

interface Identified {
  agent: Agent;
  clientNotAfter: Date | null;
}

/** Opens agents whose TLS contexts are built once per identity. `authorities` (PEM) are trusted by all of them, in
 *  addition to the public ones. `connect` makes the function that opens sockets; null: Node's default context. */
export function openAgents({
  authorities,
  connect,
}: {
  authorities: readonly string[];
  connect: (secureContext: SecureContext | null) => GuardedConnect;
}): Agents {
  const open = (context: SecureContext | null) => openGuardedAgent(connect(context));
  const shared = open(authorities.length === 0 ? null : contextOf({ authorities, clientCertificate: null }));
  const identified = new Map<string, Identified>();

  function openIdentity(identity: TlsIdentity): Identified {
    const { clientCertificate, certificateAuthorities: own } = identity;
    const leaf = clientCertificate && readCertificates(clientCertificate.certificate);
    const [first] = leaf?.ok === true ? leaf.certificates : [];
    return {
      agent: open(contextOf({ authorities: own === null ? authorities : [...authorities, own], clientCertificate })),
      clientNotAfter: first === undefined ? null : factsOf(first).notAfter,
    };
  }

  return {
    shared,
    agentOf(identity) {
      if (identity.certificateAuthorities === null && identity.clientCertificate === null)
        return { ok: true, agent: shared };
      const key = keyOf(identity);
      let found = identified.get(key);
      try {
        found ??= openIdentity(identity);
      } catch {
        return invalid(identity);
      }
      identified.delete(key);
      identified.set(key, found); // the newest entry is the last one
      if (identified.size > MAX_IDENTITIES) closeOldest(identified);
      const { agent, clientNotAfter } = found;
      return clientNotAfter !== null && clientNotAfter.getTime() <= Date.now()
        ? expired(clientNotAfter)
        : { ok: true, agent };
    },
    async destroy() {
      await Promise.all(
        [shared, ...[...identified.values()].map(({ agent }) => agent)].map((agent) => agent.destroy()),
      );
    },
  };
}

function closeOldest(identified: Map<string, Identified>): void {
  const [oldest] = identified;
  if (oldest === undefined) return;
  identified.delete(oldest[0]);
  void oldest[1].agent.close(); // after its running requests
}

const keyOf = ({ certificateAuthorities, clientCertificate }: TlsIdentity): string =>
  createHash('sha256')
    .update(JSON.stringify([certificateAuthorities, clientCertificate?.certificate, clientCertificate?.privateKey]))
    .digest('base64');

/** Trusts the public authorities and these. Throws if a certificate or the key cannot be used. */
function contextOf({
  authorities,
  clientCertificate,
}: {
  authorities: readonly string[];
  clientCertificate: TlsIdentity['clientCertificate'];
}): SecureContext {
  const context = tls.createSecureContext({
    minVersion: 'TLSv1.2',
    ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.privateKey }),
  });
  for (const certificate of authorities.flatMap(certificatesIn)) addAuthority(context, certificate);
  return context;
}

function certificatesIn(pem: string) {
  const read = readCertificates(pem, Infinity);
  if (!read.ok) throw new Error(`The certificate authorities: ${read.reason}`);
  return read.certificates;
}

/** Adds to the default store, with which the context was made. Node calls the same for each entry of its option `ca`,
 *  but that option replaces the public authorities, and parsing those again takes 50 ms and 1 MB per context. */
function addAuthority(context: SecureContext, certificate: X509Certificate): void {
  const { addCACert } = context.context as { addCACert: (pem: string) => void };
  addCACert.call(context.context, certificate.toString());
}

const expired = (notAfter: Date): AuthFailure => ({
  ok: false,
  errorCode: 'CLIENT_CERTIFICATE_EXPIRED',
  error: `The client certificate of this webhook expired on ${dayOf(notAfter)}, so nothing was sent. Enter a current certificate with its key.`,
});

const invalid = ({ clientCertificate }: TlsIdentity): AuthFailure => ({
  ok: false,
  errorCode: 'CLIENT_CERTIFICATE_INVALID',
  error: `${clientCertificate ? 'The client certificate or its key' : 'The certificate authority'} of this webhook cannot be used, so nothing was sent. Enter it again.`,
});
