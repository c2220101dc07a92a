import { call } from '../../api/call.js';
import { basePath, isPortal } from '../../api/place.js';

// The token of a sign-in link is in the fragment, which browsers do not send to servers. This module removes it before the router reads
// the address, so that neither the history nor a bookmark keeps it.
const token = takeToken();
let opening: Promise<void> | undefined;
let problem: string | null = null;

/** Returns why the sign-in link of this page failed; null: it succeeded, or the page had none. */
export const signInLinkProblem = (): string | null => problem;

/** Signs in with the link that opened this page, if there was one. The sign-in page shows a failure; it does not end an existing
 *  session. */
export function openSignInLink(): Promise<void> {
  opening ??= open();
  return opening;
}

async function open(): Promise<void> {
  if (token === null) return;
  await isSeen();
  try {
    await call('POST', '/v1/session/sign-in-link', { token });
  } catch (error) {
    problem = (error as Error).message;
  }
}

function takeToken(): string | null {
  if (isPortal || location.pathname !== `${basePath}sign-in`) return null;
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  history.replaceState(null, '', basePath);
  return found;
}

/** Waits until the page is opened: a browser may prerender it, which must not use up the link. */
function isSeen(): Promise<void> {
  return new Promise((resolve) => {
    if (!('prerendering' in document) || document.prerendering !== true) resolve();
    else document.addEventListener('prerenderingchange', () => resolve(), { once: true });
  });
}
