import { readdirSync, readFileSync } from 'node:fs';
import { TOKENS_CSS } from '@posthorn/tokens';
import { describe, expect, it } from 'vitest';
import { contrast, read } from './components/contrast.js';

const THEMES = ['light', 'dark'] as const;
/** The colours of each theme by variable name. */
const colours = Object.fromEntries(
  THEMES.map((theme, index) => [
    theme,
    new Map(
      [...TOKENS_CSS.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map(([, name = '', ...both]) => [
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
/** Borders of controls, focus rings, chart bars, icons. */
const STROKES = [
  ...pairs(['line-strong'], ['canvas', 'surface']),
  ...pairs(['accent'], [...GROUNDS, ...SOFT]),
  ...pairs(TONES, ['canvas', 'surface']),
];

describe.each(THEMES)('the colours of the %s theme', (theme) => {
  const colour = (name: string): string => {
    const found = colours[theme]?.get(name);
    if (found === undefined) throw new Error(`tokens.css has no --${name}`);
    return found;
  };
  const tooFaint = (wanted: number, of: [string, string][]) =>
    of.flatMap(([front, ground]) => {
      const ratio = contrast(read(colour(front)), read(colour(ground)));
      return ratio < wanted ? [`${front} on ${ground}: ${ratio.toFixed(2)}`] : [];
    });

  it('give text a contrast of at least 4.5 on each background', () => expect(tooFaint(4.5, TEXT)).toEqual([]));
  it('give strokes a contrast of at least 3', () => expect(tooFaint(3, STROKES)).toEqual([]));
});

it('no style sheet of the console has a colour that is not a token', () => {
  const sheets = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.css'),
  );
  expect(sheets.length).toBeGreaterThan(20);
  const strays = sheets.filter((name) =>
    /#[0-9a-f]{3,8}\b/i.test(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')),
  );
  expect(strays).toEqual([]);
});
