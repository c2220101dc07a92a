import { expect, it } from 'vitest';
import { spellingsOf } from './find-in-payloads.js';

it('spells a text as JSON may: as it is, with the escapes that it needs, and with all but ASCII escaped', () => {
  expect(spellingsOf('m1')).toEqual(['m1']);
  expect(spellingsOf('say "hi"')).toEqual(['say "hi"', 'say \\"hi\\"']);
  expect(spellingsOf('Grüße')).toEqual(['Grüße', 'Gr\\u00fc\\u00dfe', 'Gr\\u00FC\\u00DFe']);
  expect(spellingsOf('🐎')).toEqual(['🐎', '\\ud83d\\udc0e', '\\uD83D\\uDC0E']);
});
