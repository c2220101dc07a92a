import { call } from '../../api/call.js';
import { basePath, isPortal } from '../../api/place.js';

// The token of a sign-in link is in the fragment, which no server sees. This module takes it before the router reads the
// address, so that neither the history nor a bookmark keeps it.
const token = takeToken();
let opening: Promise<void> | undefined;
let problem: string | null = null;

/** Why the link of this page did not sign anybody in; null: it did, or there was none. */
export const signInLinkProblem = (): string | null => problem;

/** Signs in with the link that this page was opened with, if there was one. It works once. The sign-in page
 *  shows a failure; an existing session is not ended by it. */
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

/** A browser may load a page before anybody opens it: that must not use the link up. */
function isSeen(): Promise<void> {
  return new Promise((resolve) => {
    if (!('prerendering' in document) || document.prerendering !== true) resolve();
    else document.addEventListener('prerenderingchange', () => resolve(), { once: true });
  });
}
