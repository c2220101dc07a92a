import { isEmbedded } from '../../components/embedded.js';

/** The messages that a framed portal sends to its host page. */
type ToHost = { type: 'posthorn:height'; height: number } | { type: 'posthorn:expired' };

/** A dialog needs this height, even above a short page. */
const MIN_HEIGHT = 560;

/** Sends the host page the portal's height whenever it changes, and the end of its session. Sends only to origins that may frame a
 *  portal. Does nothing outside a frame. */
export function notifyHost({ hostOrigins, expiresAt }: { hostOrigins: readonly string[]; expiresAt: string }): void {
  if (!isEmbedded()) return;
  document.documentElement.dataset['embedded'] = 'true';
  const origins = targetOrigins([location.origin, ...hostOrigins]);
  const send = (message: ToHost) => {
    for (const origin of origins) window.parent.postMessage(message, origin);
  };
  followHeight((height) => send({ type: 'posthorn:height', height }));
  keepDialogsVisible();
  const leftMs = Date.parse(expiresAt) - Date.now();
  setTimeout(() => send({ type: 'posthorn:expired' }), Math.min(leftMs, 2 ** 31 - 1));
}

const LOOK_AGAIN_MS = 200;

/** Sends the height of the content. While a page loads, the height may grow but does not shrink, so the host page does not jump. */
function followHeight(send: (height: number) => void): void {
  const content = document.getElementById('root') ?? document.body;
  let sent = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    const height = Math.max(MIN_HEIGHT, Math.ceil(content.getBoundingClientRect().height));
    if (height < sent && isLoading(content)) {
      timer = setTimeout(look, LOOK_AGAIN_MS);
      return;
    }
    if (height !== sent) send(height);
    sent = height;
  };
  new ResizeObserver(look).observe(content);
}

/** Whether the page still loads. It shows a skeleton, or nothing while its code is fetched: React then hides the previous page but keeps it
 *  in the document. */
const isLoading = (content: HTMLElement): boolean =>
  content.querySelector('.skeleton') !== null || content.querySelector('main')?.innerText.trim() === '';

/** A dialog fills the window, and a frame's window is as high as its content: most of it may be scrolled away. So while a dialog is
 *  open, this keeps it inside the part of the frame that can be seen (CSS: --visible-top, --visible-height). A script
 *  cannot read the host page, but an IntersectionObserver reports which part of an element is visible. */
function keepDialogsVisible(): void {
  const { style } = document.documentElement;
  const observer = new IntersectionObserver((entries) => {
    const visible = entries.at(-1)?.intersectionRect;
    if (!visible || visible.height === 0) return;
    style.setProperty('--visible-top', `${Math.round(visible.top)}px`);
    style.setProperty('--visible-height', `${Math.round(visible.height)}px`);
  });
  // An observer reports only a crossed threshold. Scrolling a high frame crosses none, so restart the observer regularly.
  const look = () => {
    observer.disconnect();
    observer.observe(document.documentElement);
  };
  look();
  setInterval(() => {
    if (document.querySelector('dialog[open]') !== null) look();
  }, LOOK_AGAIN_MS);
  document.addEventListener('pointerdown', look, { capture: true });
  document.addEventListener('keydown', look, { capture: true });
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
