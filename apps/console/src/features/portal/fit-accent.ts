import { contrast, read, type Rgb } from '../../components/contrast.js';

/** What an accent is read on, as in styles.css: the ground that is nearest to it. */
const GROUNDS = { light: '#f4f4f2', dark: '#222425' };
/** How much of the accent is in its soft ground. */
const SOFT_SHARE = 0.1;
/** Of text on its ground (WCAG 2.2, 1.4.3). */
const LEAST_CONTRAST = 4.5;
const MOST_STEPS = 60;

/** The nearest colour that can be read, and its soft ground: an accent that lacks contrast is darkened, or lightened in the dark,
 *  step by step. */
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
