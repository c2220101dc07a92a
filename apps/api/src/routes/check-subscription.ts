import { type AuthenticationInput, type ChangeSubscription, MASK } from '@posthorn/contract';
import {
  checkRetryPolicy,
  type EnteredAuthentication,
  MAX_FILTERS,
  MAX_OWN_HEADERS_BYTES,
  whyNotFilter,
} from '@posthorn/core';
import { checkAuthorities, checkClientCertificate, checkHeaders, checkUrl } from '@posthorn/sender';
import type { ApiDeps } from '../deps.js';
import { EventTypeUnknown, InvalidRequest, UrlNotAllowed } from '../errors.js';

/** Returns the normalized URL. Throws UrlNotAllowed. */
export function requireUrl({ addresses }: Pick<ApiDeps, 'addresses'>, url: string): string {
  const check = checkUrl(url, addresses);
  if (!check.ok) throw new UrlNotAllowed(check.reason);
  return check.href;
}

/** Throws InvalidRequest for headers that are not allowed. Accepts a masked value, which keeps the stored one. */
export function requireHeaders(headers: Record<string, string>): void {
  const check = checkHeaders(mapValues(headers, (value) => (value === MASK ? '' : value)));
  if (check.ok) return;
  throw new InvalidRequest([
    { path: check.name === null ? 'headers' : `headers.${check.name}`, message: check.reason },
  ]);
}

/** Throws InvalidRequest for a retry policy outside the operator's limits. */
export function requireRetryPolicy(
  { retries }: Pick<ApiDeps, 'retries'>,
  { retrySchedule, timeoutMs }: Pick<ChangeSubscription, 'retrySchedule' | 'timeoutMs'>,
): void {
  const policy = { retrySchedule: retrySchedule ?? null, timeoutMs: timeoutMs ?? null };
  const problems = checkRetryPolicy(policy, retries.limits);
  if (problems.length > 0) throw new InvalidRequest(problems);
}

/** Throws InvalidRequest for a filter that Postgres does not accept. */
export async function requireFilter(
  { db }: Pick<ApiDeps, 'db'>,
  { filter }: Pick<ChangeSubscription, 'filter'>,
): Promise<void> {
  if (filter === null || filter === undefined) return;
  const whyNot = await whyNotFilter(db.pool, filter);
  if (whyNot !== null)
    throw new InvalidRequest([{ path: 'filter', message: `is not accepted by Postgres: ${whyNot}` }]);
}

/** Returns the authentication to store, with a normalized token URL; undefined: unchanged. Throws InvalidRequest if that URL is
 *  not allowed. */
export function enteredAuthentication(
  deps: Pick<ApiDeps, 'addresses'>,
  { authentication }: Pick<ChangeSubscription, 'authentication'>,
): EnteredAuthentication | undefined {
  return authentication === undefined
    ? undefined
    : { entered: withTokenUrl(deps, authentication), checkClientCertificate };
}

function withTokenUrl(
  { addresses }: Pick<ApiDeps, 'addresses'>,
  authentication: AuthenticationInput,
): AuthenticationInput {
  if (authentication?.type !== 'oauth2') return authentication;
  const check = checkUrl(authentication.tokenUrl, addresses);
  if (!check.ok)
    throw new InvalidRequest([{ path: 'authentication.tokenUrl', message: `is not allowed: ${check.reason}` }]);
  return { ...authentication, tokenUrl: check.href };
}

/** Throws InvalidRequest for certificate authorities that cannot be used. */
export function requireAuthorities({
  certificateAuthorities,
}: Pick<ChangeSubscription, 'certificateAuthorities'>): void {
  const reason = certificateAuthorities ? checkAuthorities(certificateAuthorities, new Date()) : null;
  if (reason !== null) throw new InvalidRequest([{ path: 'certificateAuthorities', message: reason }]);
}

export const authenticationRefused = ({ field, reason }: { field: string; reason: string }): InvalidRequest =>
  new InvalidRequest([{ path: `authentication.${field}`, message: reason }]);

/** Throws InvalidRequest for the first masked value: a new subscription has no stored values. */
export function requireValues(headers: Record<string, string>): void {
  const masked = Object.entries(headers).find(([, value]) => value === MASK);
  if (masked) throw headerNotStored(masked[0]);
}

export const headerNotStored = (name: string): InvalidRequest =>
  new InvalidRequest([
    {
      path: `headers.${name}`,
      message: 'is masked, but no value is stored under this name for the origin of the URL: send the value',
    },
  ]);

export const headersTooLarge = (): InvalidRequest =>
  new InvalidRequest([
    {
      path: 'headers',
      message: `must have at most ${MAX_OWN_HEADERS_BYTES} bytes of names and values together, including kept values`,
    },
  ]);

export const filtersReached = (): InvalidRequest =>
  new InvalidRequest([
    {
      path: 'filter',
      message: `exceeds the limit of ${MAX_FILTERS} subscriptions with a filter per account: remove another filter first`,
    },
  ]);

/** The audit log note about headers and an authentication that were dropped because the origin of the URL changed. */
export const droppedNote = ({
  headersDropped,
  authenticationDropped,
}: {
  headersDropped: string[];
  authenticationDropped: boolean;
}): Record<string, unknown> => ({
  ...(headersDropped.length > 0 && { headersDropped: { to: headersDropped } }),
  ...(authenticationDropped && { authenticationDropped: { to: true } }),
});

const mapValues = (of: Record<string, string>, change: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value)]));

/** Throws EventTypeUnknown for the first exact type that is not in the catalogue. Patterns may match future types. */
export async function requireEventTypes({ db }: Pick<ApiDeps, 'db'>, events: string[]): Promise<void> {
  const exact = events.filter((event) => !event.endsWith(':*'));
  if (exact.length === 0) return;
  const known = await db.prisma.eventType.findMany({ where: { name: { in: exact } }, select: { name: true } });
  const names = new Set(known.map(({ name }) => name));
  const missing = events.findIndex((event) => exact.includes(event) && !names.has(event));
  if (missing !== -1) throw new EventTypeUnknown(`events[${missing}]`, events[missing] ?? '');
}

/** True if a subscription with these event types receives this type. Empty: all types. Must match the SQL of the publisher. */
export const subscribesTo = (events: string[], type: string): boolean =>
  events.length === 0 || events.includes(type) || events.includes(`${type.split(':', 1)[0]}:*`);
