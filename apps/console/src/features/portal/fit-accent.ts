import { contrast, read, type Rgb } from '../../components/contrast.js';

/** The background with the least contrast to an accent, as in tokens.css. */
const GROUNDS = { light: '#f4f4f2', dark: '#222425' };
/** The share of the accent in its soft background. */
const SOFT_SHARE = 0.1;
/** Text on its background (WCAG 2.2, 1.4.3). */
const LEAST_CONTRAST = 4.5;
const MOST_STEPS = 60;

/** Returns the nearest readable colour and its soft background. Darkens an accent without enough contrast step by step, or lightens it in
 *  dark mode. */
export function fitAccent(colour: string, mode: 'light' | 'dark'): { accent: string; soft: string } {
  const ground = read(GROUNDS[mode]);
  const end: Rgb = mode === 'dark' ? [255, 255, 255] : [0, 0, 0];
  let rgb = read(colour);
  for (let step = 0; step < MOST_STEPS && contrast(rgb, mix(ground, rgb, SOFT_SHARE)) < LEAST_CONTRAST; step += 1)
    rgb = mix(rgb, end, 0.05);
  return { accent: write(rgb), soft: write(mix(ground, rgb, SOFT_SHARE)) };
}

const mix = ([r, g, b]: Rgb, [toR, toG, toB]: Rgb, share: number): Rgb => [
  r + (toR - r) * share,
  g + (toG - g) * share,
  b + (toB - b) * share,
];

const write = (rgb: Rgb): string => `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
