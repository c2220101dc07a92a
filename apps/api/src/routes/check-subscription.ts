import { MASK } from '@posthorn/contract';
import { checkHeaders, checkUrl } from '@posthorn/sender';
import type { ApiDeps } from '../deps.js';
import { EventTypeUnknown, InvalidRequest, UrlNotAllowed } from '../errors.js';

/** The URL as it is to be stored. Throws UrlNotAllowed. */
export function requireUrl({ addresses }: Pick<ApiDeps, 'addresses'>, url: string): string {
  const check = checkUrl(url, addresses);
  if (!check.ok) throw new UrlNotAllowed(check.reason);
  return check.href;
}

/** Throws InvalidRequest for headers that may not be set. */
export function requireHeaders(headers: Record<string, string>): void {
  const masked = Object.entries(headers).find(([, value]) => value === MASK);
  if (masked) {
    const message =
      'is the mask that is shown instead of the value: send the value, or leave headers out to keep them all';
    throw new InvalidRequest([{ path: `headers.${masked[0]}`, message }]);
  }
  const check = checkHeaders(headers);
  if (!check.ok) throw new InvalidRequest([{ path: `headers.${check.name}`, message: check.reason }]);
}

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
