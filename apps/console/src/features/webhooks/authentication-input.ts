import { type Authentication, type ChangeSubscription, MASK } from '@posthorn/contract';
import * as z from 'zod';

export const AUTHENTICATION_KINDS = {
  none: 'None',
  oauth2: 'OAuth 2.0 client credentials',
  clientCertificate: 'Client certificate (mTLS)',
} as const;
type Kind = keyof typeof AUTHENTICATION_KINDS;

export interface AuthenticationValues {
  kind: Kind;
  /** What the API has. Its secrets are never shown: an empty input keeps them. */
  stored: Kind;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  isSecretInBody: boolean;
  scope: string;
  audience: string;
  certificate: string;
  privateKey: string;
}

const KINDS = Object.keys(AUTHENTICATION_KINDS) as [Kind, ...Kind[]];

/** The field `authentication` of a form. Its output is what the API expects. */
export const authenticationInput = z
  .object({
    kind: z.enum(KINDS),
    stored: z.enum(KINDS),
    tokenUrl: z.string().trim(),
    clientId: z.string().trim(),
    clientSecret: z.string().trim(),
    isSecretInBody: z.boolean(),
    scope: z.string().trim(),
    audience: z.string().trim(),
    certificate: z.string().trim(),
    privateKey: z.string().trim(),
  })
  .superRefine((values, context) => {
    for (const name of requiredOf(values)) {
      if (values[name] === '') context.addIssue({ code: 'custom', path: [name], message: 'Enter a value.' });
    }
  })
  .transform((values) => bodyOf(values));

/** The inputs that must not be empty. */
function requiredOf(values: AuthenticationValues): (keyof AuthenticationValues)[] {
  const { kind, stored } = values;
  const isStored = kind === stored;
  if (keepsCertificate(values)) return [];
  if (kind === 'oauth2') return ['tokenUrl', 'clientId', ...(isStored ? [] : (['clientSecret'] as const))];
  if (kind === 'clientCertificate') return ['certificate', ...(isStored ? [] : (['privateKey'] as const))];
  return [];
}

/** The stored certificate stays: the API shows neither its text nor its key. */
const keepsCertificate = ({ kind, stored, certificate, privateKey }: AuthenticationValues): boolean =>
  kind === 'clientCertificate' && stored === kind && certificate === '' && privateKey === '';

/** undefined: unchanged. */
function bodyOf(values: AuthenticationValues): ChangeSubscription['authentication'] {
  const { kind, tokenUrl, clientId, clientSecret, isSecretInBody, scope, audience, certificate, privateKey } = values;
  switch (kind) {
    case 'none':
      return null;
    case 'oauth2':
      return {
        type: kind,
        tokenUrl,
        clientId,
        clientSecret: clientSecret || MASK,
        clientAuthentication: isSecretInBody ? 'client_secret_post' : 'client_secret_basic',
        scope: scope || null,
        audience: audience || null,
      };
    case 'clientCertificate':
      if (keepsCertificate(values)) return undefined;
      return { type: kind, certificate, privateKey: privateKey || MASK };
    default:
      return kind satisfies never;
  }
}

/** The inputs for what the API has. */
export function authenticationValues(shown: Authentication | null): AuthenticationValues {
  const kind = shown?.type ?? 'none';
  const oauth2 = shown?.type === 'oauth2' ? shown : null;
  return {
    kind,
    stored: kind,
    tokenUrl: oauth2?.tokenUrl ?? '',
    clientId: oauth2?.clientId ?? '',
    clientSecret: '',
    isSecretInBody: oauth2?.clientAuthentication === 'client_secret_post',
    scope: oauth2?.scope ?? '',
    audience: oauth2?.audience ?? '',
    certificate: '',
    privateKey: '',
  };
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const WARNING_DAYS = 30;

/** Returns when a certificate expires, if that is soon or past; null otherwise. */
export function expiryWarning(notAfter: string, now: number): string | null {
  const days = Math.floor((Date.parse(notAfter) - now) / DAY_MS);
  if (days < 0) return 'This certificate has expired. Nothing is sent until you enter a current one.';
  if (days > WARNING_DAYS) return null;
  return `This certificate expires ${days === 0 ? 'today' : days === 1 ? 'in 1 day' : `in ${days} days`}. Afterwards nothing is sent.`;
}

/** What the overview shows. */
export function authenticationSummary(shown: Authentication): string {
  return shown.type === 'oauth2'
    ? `OAuth 2.0, tokens from ${new URL(shown.tokenUrl).host}`
    : `Client certificate ${shown.subject}`;
}
