import { MASK } from '@posthorn/contract';
import { MAX_OWN_HEADERS_BYTES } from '@posthorn/core';
import { checkHeaders, checkUrl } from '@posthorn/sender';
import type { ApiDeps } from '../deps.js';
import { EventTypeUnknown, InvalidRequest, UrlNotAllowed } from '../errors.js';

/** The URL as it is to be stored. Throws UrlNotAllowed. */
export function requireUrl({ addresses }: Pick<ApiDeps, 'addresses'>, url: string): string {
  const check = checkUrl(url, addresses);
  if (!check.ok) throw new UrlNotAllowed(check.reason);
  return check.href;
}

/** Throws InvalidRequest for headers that may not be set. A masked value is fine here: it stands for the one that is stored. */
export function requireHeaders(headers: Record<string, string>): void {
  const check = checkHeaders(mapValues(headers, (value) => (value === MASK ? '' : value)));
  if (check.ok) return;
  throw new InvalidRequest([
    { path: check.name === null ? 'headers' : `headers.${check.name}`, message: check.reason },
  ]);
}

/** Throws InvalidRequest for the first masked value: where nothing is stored yet, it stands for nothing. */
export function requireValues(headers: Record<string, string>): void {
  const masked = Object.entries(headers).find(([, value]) => value === MASK);
  if (masked) throw headerNotStored(masked[0]);
}

export const headerNotStored = (name: string): InvalidRequest =>
  new InvalidRequest([
    {
      path: `headers.${name}`,
      message:
        'is masked, which keeps the stored value, but none is stored under this name for the origin of this URL: send the value',
    },
  ]);

export const headersTooLarge = (): InvalidRequest =>
  new InvalidRequest([
    {
      path: 'headers',
      message: `must have at most ${MAX_OWN_HEADERS_BYTES} bytes of names and values together, kept values included`,
    },
  ]);

/** What the audit log says of headers that do not follow a URL to another origin. */
export const headersDroppedNote = (names: string[]): Record<string, unknown> =>
  names.length === 0 ? {} : { headersDropped: { to: names } };

const mapValues = (of: Record<string, string>, change: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value)]));

/** Throws EventTypeUnknown for the first exact type that is not in the catalogue. A pattern may be ahead of it. */
export async function requireEventTypes({ db }: Pick<ApiDeps, 'db'>, events: string[]): Promise<void> {
  const exact = events.filter((event) => !event.endsWith(':*'));
  if (exact.length === 0) return;
  const known = await db.prisma.eventType.findMany({ where: { name: { in: exact } }, select: { name: true } });
  const names = new Set(known.map(({ name }) => name));
  const missing = events.findIndex((event) => exact.includes(event) && !names.has(event));
  if (missing !== -1) throw new EventTypeUnknown(`events[${missing}]`, events[missing] ?? '');
}

/** Whether a subscription to these events (none: all) gets this type. The publisher's SQL decides the same. */
export const wants = (events: string[], type: string): boolean =>
  events.length === 0 || events.includes(type) || events.includes(`${type.split(':', 1)[0]}:*`);
