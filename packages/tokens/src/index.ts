import { readFileSync } from 'node:fs';

/** The design tokens as CSS custom properties on `:root`: fonts, radii, colours for light and dark, one shadow. */
export const TOKENS_CSS: string = readFileSync(new URL('../tokens.css', import.meta.url), 'utf8');
