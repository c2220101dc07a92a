import { existsSync } from 'node:fs';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The machine's own Chromium: the one that CHROME_PATH names, else one in the usual places; null without one. */
export function findBrowser(env: NodeJS.ProcessEnv): string | null {
  const named = env['CHROME_PATH'];
  if (named) return named;
  return USUAL_PLACES.find(existsSync) ?? null;
}
