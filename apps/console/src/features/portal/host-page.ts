/** The messages that a framed portal sends to its host page. */
type ToHost = { type: 'posthorn:height'; height: number } | { type: 'posthorn:expired' };

/** A dialog needs this height, even above a short page. */
const MIN_HEIGHT = 560;

/** Sends the host page the portal's height whenever it changes, and the end of its session. Sends only to origins that may frame a
 *  portal. Does nothing outside a frame. */
export function notifyHost({ hostOrigins, expiresAt }: { hostOrigins: readonly string[]; expiresAt: string }): void {
  if (window.parent === window) return;
  document.documentElement.dataset['embedded'] = 'true';
  const origins = targetOrigins([location.origin, ...hostOrigins]);
  const send = (message: ToHost) => {
    for (const origin of origins) window.parent.postMessage(message, origin);
  };
  const content = document.getElementById('root') ?? document.body;
  new ResizeObserver(() =>
    send({
      type: 'posthorn:height',
      height: Math.max(MIN_HEIGHT, Math.ceil(content.getBoundingClientRect().height)),
    }),
  ).observe(content);
  const leftMs = Date.parse(expiresAt) - Date.now();
  setTimeout(() => send({ type: 'posthorn:expired' }), Math.min(leftMs, 2 ** 31 - 1));
}

/** The origin of the host page, if it is allowed. If the browser does not reveal it, all allowed origins: the browser delivers a message
 *  only to a page of its target origin. */
function targetOrigins(allowed: readonly string[]): string[] {
  const [parent] = location.ancestorOrigins ?? [];
  const host = parent ?? (URL.canParse(document.referrer) ? new URL(document.referrer).origin : null);
  if (host === null) return allowed.filter((origin) => !origin.includes('*'));
  return allowed.some((origin) => isOf(origin, host)) ? [host] : [];
}

/** `https://*.example.com` matches every subdomain. */
function isOf(allowed: string, host: string): boolean {
  const [start = '', end] = allowed.split('*');
  return end === undefined ? allowed === host : host.startsWith(start) && host.endsWith(end);
}
