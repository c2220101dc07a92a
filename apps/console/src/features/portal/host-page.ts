/** What a portal in a frame tells the page around it. */
type ToHost = { type: 'posthorn:height'; height: number } | { type: 'posthorn:expired' };

/** A dialog wants this much, however short the page below it is. */
const LEAST_HEIGHT = 560;

/** Tells the page around this one how high it is, whenever that changes, and when its session ends. It is told to the origins
 *  that may show a portal, and to no other. Does nothing where there is no page around it. */
export function tellHost({ hostOrigins, expiresAt }: { hostOrigins: readonly string[]; expiresAt: string }): void {
  if (window.parent === window) return;
  document.documentElement.dataset['embedded'] = 'true';
  const origins = originsToTell([location.origin, ...hostOrigins]);
  const tell = (message: ToHost) => {
    for (const origin of origins) window.parent.postMessage(message, origin);
  };
  const content = document.getElementById('root') ?? document.body;
  new ResizeObserver(() =>
    tell({
      type: 'posthorn:height',
      height: Math.max(LEAST_HEIGHT, Math.ceil(content.getBoundingClientRect().height)),
    }),
  ).observe(content);
  const leftMs = Date.parse(expiresAt) - Date.now();
  setTimeout(() => tell({ type: 'posthorn:expired' }), Math.min(leftMs, 2 ** 31 - 1));
}

/** The page around this one, if it is allowed to be told. Where a browser does not say which one that is, each origin that is
 *  allowed: a browser gives a message to the one that it is for, and drops the others. */
function originsToTell(allowed: readonly string[]): string[] {
  const [parent] = location.ancestorOrigins ?? [];
  const host = parent ?? (URL.canParse(document.referrer) ? new URL(document.referrer).origin : null);
  if (host === null) return allowed.filter((origin) => !origin.includes('*'));
  return allowed.some((origin) => isOf(origin, host)) ? [host] : [];
}

/** `https://*.example.com` stands for every name below it. */
function isOf(allowed: string, host: string): boolean {
  const [start = '', end] = allowed.split('*');
  return end === undefined ? allowed === host : host.startsWith(start) && host.endsWith(end);
}
