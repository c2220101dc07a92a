import { type AuthenticationInput, MASK } from '@posthorn/contract';
import type { Access, Authentication, CheckClientCertificate } from '@posthorn/sender';
import type { Deps } from '../deps.js';
import type { Subscription as Row } from '../generated/prisma/client.js';
import { originOf } from './own-headers.js';

// The authentication of a subscription belongs to the origin that it was entered for, like its custom headers
// (own-headers.ts). CHECK constraints of `subscriptions` enforce this. Certificate authorities are not secret, so they stay.

type Sealer = Pick<Deps, 'cipher'>;

type Stored = Pick<
  Row,
  | 'id'
  | 'url'
  | 'pendingUrl'
  | 'authenticationSealed'
  | 'authenticationOrigin'
  | 'pendingAuthenticationSealed'
  | 'pendingAuthenticationOrigin'
>;

/** SQL: the columns of a subscription without authentication. */
export const NO_AUTHENTICATION = `authentication_sealed = NULL, authentication_origin = NULL,
         pending_authentication_sealed = NULL, pending_authentication_origin = NULL, certificate_authorities = NULL`;

/** Encrypts an authentication for storage; null: none. */
export function sealAuthentication(
  { cipher }: Sealer,
  subscriptionId: string,
  authentication: Authentication | null,
): Buffer | null {
  return authentication && cipher.seal(JSON.stringify(authentication), `authentication:${subscriptionId}`);
}

/** The reverse of sealAuthentication. */
export function openAuthentication(
  { cipher }: Sealer,
  subscriptionId: string,
  sealed: Uint8Array | null,
): Authentication | null {
  return sealed && (JSON.parse(cipher.open(sealed, `authentication:${subscriptionId}`)) as Authentication);
}

/** Returns what a request needs beyond its headers; null: nothing, as for most subscriptions. */
export function openAccess(
  deps: Sealer,
  subscriptionId: string,
  stored: { authenticationSealed: Uint8Array | null; certificateAuthorities: string | null },
): Access | null {
  const { authenticationSealed, certificateAuthorities } = stored;
  if (authenticationSealed === null && certificateAuthorities === null) return null;
  const authentication = openAuthentication(deps, subscriptionId, authenticationSealed);
  return { owner: subscriptionId, authentication, certificateAuthorities };
}

/** Returns the stored, encrypted authentication that may be used for this origin; null: none. */
export function sealedAuthenticationFor(
  stored: Omit<Stored, 'id' | 'url' | 'pendingUrl'>,
  origin: string,
): Uint8Array | null {
  if (stored.authenticationOrigin === origin) return stored.authenticationSealed;
  if (stored.pendingAuthenticationOrigin === origin) return stored.pendingAuthenticationSealed;
  return null;
}

/** Returns the authentication of the current and the pending URL, with secrets. */
export function readAuthentication(
  deps: Sealer,
  stored: Stored,
): { authentication: Authentication | null; pendingAuthentication: Authentication | null } {
  const of = (url: string | null) =>
    url === null ? null : openAuthentication(deps, stored.id, sealedAuthenticationFor(stored, originOf(url)));
  return { authentication: of(stored.url), pendingAuthentication: of(stored.pendingUrl) };
}

/** `field` of `authentication`; `reason` begins with a verb. */
export interface AuthenticationProblem {
  field: string;
  reason: string;
}

/** What a request enters. */
export interface EnteredAuthentication {
  entered: AuthenticationInput;
  /** The sender's check. */
  checkClientCertificate: CheckClientCertificate;
}

/** Returns the authentication to store. A masked secret keeps the stored one: a client secret for the origin of the same
 *  token server, a private key for a certificate that it belongs to. */
export function acceptAuthentication(
  input: EnteredAuthentication | undefined,
  { url, stored, now }: { url: string; stored: Authentication | null; now: Date },
): { authentication: Authentication | null } | { problem: AuthenticationProblem } {
  if (input === undefined || input.entered === null) return { authentication: null };
  const authentication = withStoredSecret(input.entered, stored);
  if ('problem' in authentication) return authentication;
  if (authentication.type === 'oauth2') return { authentication };
  if (!url.startsWith('https:')) {
    return { problem: { field: 'type', reason: 'must not be clientCertificate, because the URL is not https' } };
  }
  const problem = input.checkClientCertificate(authentication, now);
  return problem ? { problem } : { authentication };
}

function withStoredSecret(
  input: NonNullable<AuthenticationInput>,
  stored: Authentication | null,
): Authentication | { problem: AuthenticationProblem } {
  switch (input.type) {
    case 'oauth2': {
      const isSameServer = stored?.type === 'oauth2' && originOf(stored.tokenUrl) === originOf(input.tokenUrl);
      const clientSecret = input.clientSecret !== MASK ? input.clientSecret : isSameServer ? stored.clientSecret : null;
      if (clientSecret === null) return notStored('clientSecret', 'the origins of the URL and of the token URL');
      return { ...input, clientSecret, scope: input.scope ?? null, audience: input.audience ?? null };
    }
    case 'clientCertificate': {
      const known = stored?.type === 'clientCertificate' ? stored.privateKey : null;
      const privateKey = input.privateKey === MASK ? known : input.privateKey;
      return privateKey === null ? notStored('privateKey', 'the origin of the URL') : { ...input, privateKey };
    }
    default:
      return input satisfies never;
  }
}

const notStored = (field: string, where: string): { problem: AuthenticationProblem } => ({
  problem: { field, reason: `is masked, but no value is stored for ${where}: send the value` },
});
