import type { PortalSession, Theme } from '@posthorn/contract';
import { applyTheme } from './theme.js';
import { call, setPortalToken } from '../../api/call.js';
import { notifyHost } from './host-page.js';
import { isPortal } from '../../api/place.js';

let opening: Promise<void> | undefined;
let theme: Theme = {};

/** The portal's theme. Empty in the console. */
export const portalTheme = (): Theme => theme;

/** Exchanges the token in the fragment of a portal's link for one that is kept only in this page's memory, and removes it from the
 *  address. Does nothing without a token, such as after a reload: then the portal has ended. Throws if the link was used or has expired. */
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
  notifyHost(opened);
}
