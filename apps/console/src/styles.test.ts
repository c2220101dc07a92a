import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contrast, read } from './ui/contrast.js';

const css = readFileSync(new URL('./styles.css', import.meta.url), 'utf8');
const THEMES = ['light', 'dark'] as const;
/** The colours of each theme, by the names of their variables. */
const colours = Object.fromEntries(
  THEMES.map((theme, index) => [
    theme,
    new Map(
      [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map(([, name = '', ...both]) => [
        name,
        both[index] ?? '',
      ]),
    ),
  ]),
);

const GROUNDS = ['canvas', 'surface', 'sunken', 'hover'];
const TONES = ['success', 'progress', 'warning', 'danger', 'neutral'];
const SOFT = ['accent-soft', ...TONES.map((tone) => `${tone}-soft`)];
const pairs = (fronts: string[], grounds: string[]) =>
  fronts.flatMap((front) => grounds.map((ground): [string, string] => [front, ground]));

const TEXT = [
  ...pairs(['text', 'text-muted'], [...GROUNDS, ...SOFT]),
  ...pairs(['accent', 'accent-hover'], GROUNDS),
  ...pairs(['accent'], ['accent-soft']),
  ...pairs(['on-accent'], ['accent', 'accent-hover']),
  ...TONES.map((tone): [string, string] => [tone, `${tone}-soft`]),
  ...pairs(['success', 'danger'], GROUNDS),
];
/** Borders of what can be used, focus, bars of charts, icons. */
const STROKES = [
  ...pairs(['line-strong'], ['canvas', 'surface']),
  ...pairs(['accent'], [...GROUNDS, ...SOFT]),
  ...pairs(TONES, ['canvas', 'surface']),
];

describe.each(THEMES)('the colours, %s', (theme) => {
  const colour = (name: string): string => {
    const found = colours[theme]?.get(name);
    if (found === undefined) throw new Error(`--${name} is no token of styles.css`);
    return found;
  };
  const tooFaint = (wanted: number, of: [string, string][]) =>
    of.flatMap(([front, ground]) => {
      const ratio = contrast(read(colour(front)), read(colour(ground)));
      return ratio < wanted ? [`${front} on ${ground}: ${ratio.toFixed(2)}`] : [];
    });

  it('text has a contrast of 4.5 to each ground that it stands on', () => expect(tooFaint(4.5, TEXT)).toEqual([]));
  it('strokes have a contrast of 3', () => expect(tooFaint(3, STROKES)).toEqual([]));
  it('is of tokens alone: no colour stands elsewhere in the sheet', () => {
    const elsewhere = css.slice(css.indexOf('}')).match(/#[0-9a-f]{3,8}\b/gi);
    expect(elsewhere).toBeNull();
  });
});
