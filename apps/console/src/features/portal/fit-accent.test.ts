import { describe, expect, it } from 'vitest';
import { fitAccent } from './fit-accent.js';

describe('fitAccent', () => {
  it('keeps a readable colour', () => {
    expect(fitAccent('#1f5f8b', 'light').accent).toBe('#1f5f8b');
    expect(fitAccent('#7cbbe6', 'dark').accent).toBe('#7cbbe6');
  });

  it.each(['#ffff00', '#ffffff', '#ff9900', '#777777', '#000000', '#0000ff'])(
    'makes %s readable on its soft background, in light and dark mode',
    (colour) => {
      for (const mode of ['light', 'dark'] as const) {
        const { accent, soft } = fitAccent(colour, mode);
        const [darker = 0, lighter = 0] = [luminance(accent), luminance(soft)].toSorted((a, b) => a - b);
        expect((lighter + 0.05) / (darker + 0.05)).toBeGreaterThanOrEqual(4.45); // rounded to whole channels
      }
    },
  );
});

/** WCAG 2.2, implemented a second time so that the test does not repeat a mistake of the code. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[0-9a-f]{2}/g) ?? [])
    .map((hex) => Number.parseInt(hex, 16) / 255)
    .map((share) => (share > 0.04045 ? Math.pow((share + 0.055) / 1.055, 2.4) : share / 12.92));
  return r * 0.2126 + g * 0.7152 + b * 0.0722;
}
