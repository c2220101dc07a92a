import type { PortalSession, Theme } from '@posthorn/contract';
import { applyTheme } from './theme.js';
import { call, setPortalToken } from '../../api/call.js';
import { tellHost } from './host-page.js';
import { isPortal } from '../../api/place.js';

let opening: Promise<void> | undefined;
let theme: Theme = {};

/** How the portal is to look; in the console nothing is said. */
export const portalTheme = (): Theme => theme;

/** A portal's link has a token in its fragment, which no server sees. It is exchanged at once, for one that lives in this page's
 *  memory only, and erased from the address. Without one, as after a reload, this does nothing, and the portal has ended.
 *  Rejects if the link is used or too old. */
export function openPortal(): Promise<void> {
  opening ??= open();
  return opening;
}

async function open(): Promise<void> {
  const token = isPortal ? new URLSearchParams(location.hash.slice(1)).get('token') : null;
  if (token === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  const opened = await call<PortalSession>('POST', '/v1/portal-session', { token });
  setPortalToken(opened.token);
  theme = opened.theme ?? {};
  applyTheme(theme);
  tellHost(opened);
}
