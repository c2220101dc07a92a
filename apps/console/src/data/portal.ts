import type { PortalSession, Theme } from '@posthorn/contract';
import { call, setPortalToken } from './call.js';

let opening: Promise<void> | undefined;
let hasToken = false;

/** Whether this page was opened by a portal's link. */
export const isPortal = (): boolean => hasToken;

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
  if (opened.theme) applyTheme(opened.theme);
  const left = Date.parse(opened.expiresAt) - Date.now();
  setTimeout(() => window.parent.postMessage({ type: 'posthorn:expired' }, '*'), Math.min(left, 2 ** 31 - 1));
}

const FONTS = { inter: 'var(--font)', system: 'system-ui', serif: 'ui-serif, serif', mono: 'var(--mono)' };

function applyTheme({ accent, accentDark, radius, fontFamily, mode }: Theme): void {
  const root = document.documentElement;
  if (mode !== undefined && mode !== 'system') root.dataset['theme'] = mode;
  const isDark = mode === 'dark' || (mode !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  const chosen = isDark ? (accentDark ?? accent) : accent;
  if (chosen !== undefined) {
    const fitting = fit(chosen, isDark);
    root.style.setProperty('--accent', fitting);
    root.style.setProperty('--accent-hover', fitting);
  }
  if (radius !== undefined) {
    for (const [name, share] of [
      ['--radius-1', 0.4],
      ['--radius-2', 0.6],
      ['--radius-3', 1],
    ] as const)
      root.style.setProperty(name, `${Math.round(radius * share)}px`);
  }
  if (fontFamily !== undefined) document.body.style.fontFamily = FONTS[fontFamily];
}

/** The nearest colour that can be read: an accent that lacks contrast (4.5 : 1 against the ground, WCAG 2.2, 1.4.3) is darkened, or
 *  lightened in the dark, step by step. */
function fit(colour: string, isDark: boolean): string {
  const ground = luminance(isDark ? '#1a1c1d' : '#ffffff');
  let rgb = channels(colour);
  for (let step = 0; step < 40 && contrast(luminance(hex(rgb)), ground) < 4.5; step += 1)
    rgb = rgb.map((value) => (isDark ? value + (255 - value) * 0.08 : value * 0.92));
  return hex(rgb);
}

const channels = (colour: string): number[] => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
const hex = (rgb: number[]): string =>
  `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
