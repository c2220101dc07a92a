import { type Authentication as Shown, MASK } from '@posthorn/contract';
import { readAuthentication, type Subscription as Row } from '@posthorn/core';
import { type Authentication, factsOf, readCertificates } from '@posthorn/sender';
import type { ApiDeps } from '../deps.js';

/** How requests to the current and the pending URL are authenticated, without secrets. */
export function authenticationJson(
  deps: Pick<ApiDeps, 'cipher'>,
  row: Row,
): { authentication: Shown | null; pendingAuthentication: Shown | null } {
  const { authentication, pendingAuthentication } = readAuthentication(deps, row);
  return { authentication: show(authentication), pendingAuthentication: show(pendingAuthentication) };
}

function show(authentication: Authentication | null): Shown | null {
  if (authentication === null) return null;
  if (authentication.type === 'oauth2') return { ...authentication, clientSecret: MASK };
  const read = readCertificates(authentication.certificate);
  const [leaf] = read.ok ? read.certificates : [];
  if (leaf === undefined) throw new Error('A stored client certificate cannot be read');
  const { subject, issuer, notAfter, fingerprint } = factsOf(leaf);
  return { type: 'clientCertificate', subject, issuer, notAfter: notAfter.toISOString(), fingerprint };
}
