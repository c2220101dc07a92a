import type { Theme } from '@posthorn/contract';
import { fitAccent } from './fit-accent.js';

const FONTS = { inter: 'var(--font)', system: 'system-ui', serif: 'ui-serif, serif', mono: 'var(--mono)' };
/** Applies the theme of a portal's session to the page. */
export function applyTheme({ accent, accentDark = accent, radius, fontFamily, mode }: Theme): void {
  const root = document.documentElement;
  if (mode !== undefined && mode !== 'system') root.dataset['theme'] = mode;
  if (accent !== undefined && accentDark !== undefined) {
    const light = fitAccent(accent, 'light');
    const dark = fitAccent(accentDark, 'dark');
    const both = (of: 'accent' | 'soft') => `light-dark(${light[of]}, ${dark[of]})`;
    root.style.setProperty('--accent', both('accent'));
    root.style.setProperty('--accent-hover', both('accent'));
    root.style.setProperty('--accent-soft', both('soft'));
  }
  if (radius !== undefined) {
    for (const [name, share] of [
      ['--radius-1', 0.4],
      ['--radius-2', 0.6],
      ['--radius-3', 1],
    ] as const)
      root.style.setProperty(name, `${Math.round(radius * share)}px`);
  }
  if (fontFamily !== undefined) root.style.fontFamily = FONTS[fontFamily];
}
