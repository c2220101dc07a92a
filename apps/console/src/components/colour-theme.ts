import { useSyncExternalStore } from 'react';

/** `system`: light or dark, as the browser prefers. */
export const THEMES = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' } as const;
export type ColourTheme = keyof typeof THEMES;

/** public/theme.js reads it before the first paint. */
const STORED_AS = 'posthorn.theme';
const listeners = new Set<() => void>();
const root = document.documentElement;

const shown = (): ColourTheme => {
  const { theme } = root.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
};
export const useColourTheme = (): ColourTheme => useSyncExternalStore(listen, shown);

function listen(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

/** Applies a theme at once, and saves it in the browser if possible. */
export function setColourTheme(theme: ColourTheme): void {
  apply(theme);
  try {
    if (theme === 'system') localStorage.removeItem(STORED_AS);
    else localStorage.setItem(STORED_AS, theme);
  } catch {
    // Without storage, the choice lasts until the page is closed.
  }
}

function apply(theme: ColourTheme): void {
  if (theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
  for (const listener of listeners) listener();
}

// The other tabs follow.
window.addEventListener('storage', ({ key, newValue }) => {
  if (key === STORED_AS || key === null) apply(newValue === 'light' || newValue === 'dark' ? newValue : 'system');
});
