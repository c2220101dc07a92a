import { expect, it } from 'vitest';
import { spellingsOf } from './find-in-payloads.js';

it('returns the JSON spellings of a text: as it is, with the required escapes, and with everything but ASCII escaped', () => {
  expect(spellingsOf('m1')).toEqual(['m1']);
  expect(spellingsOf('say "hi"')).toEqual(['say "hi"', 'say \\"hi\\"']);
  expect(spellingsOf('Grüße')).toEqual(['Grüße', 'Gr\\u00fc\\u00dfe', 'Gr\\u00FC\\u00DFe']);
  expect(spellingsOf('🐎')).toEqual(['🐎', '\\ud83d\\udc0e', '\\uD83D\\uDC0E']);
});
