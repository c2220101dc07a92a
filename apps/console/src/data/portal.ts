import type { PortalSession, Theme } from '@posthorn/contract';
import { applyTheme } from '../ui/theme.js';
import { call, setPortalToken } from './call.js';
import { tellHost } from './host-page.js';

let opening: Promise<void> | undefined;
let hasToken = false;
let theme: Theme = {};

/** Whether this page was opened by a portal's link. */
export const isPortal = (): boolean => hasToken;

/** How the portal is to look; in the console nothing is said. */
export const portalTheme = (): Theme => theme;

/** A portal's link has a token in its fragment, which no server sees. It is exchanged at once, for one that lives in this page's
 *  memory only, and erased from the address. Without one this does nothing. Rejects if the link is used or too old. */
export function openPortal(): Promise<void> {
  opening ??= open();
  return opening;
}

async function open(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  hasToken = true;
  history.replaceState(null, '', location.pathname.replace(/\/portal\/?$/, '/') + location.search);
  const opened = await call<PortalSession>('POST', '/v1/portal-session', { token });
  setPortalToken(opened.token);
  theme = opened.theme ?? {};
  applyTheme(theme);
  tellHost(opened);
}
