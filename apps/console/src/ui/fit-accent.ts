type Rgb = readonly [red: number, green: number, blue: number];

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

const read = (colour: string): Rgb => {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
};
const write = (rgb: Rgb): string => `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;

/** As WCAG 2.2 defines it. */
function contrast(a: Rgb, b: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(rgb: Rgb): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
