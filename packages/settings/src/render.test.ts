import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderEnvExample, withSettingsTable } from './render.js';
import { settings } from './settings.js';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

it('.env.example is current: npm run docs -w @posthorn/settings writes it', () => {
  expect(read('.env.example')).toBe(renderEnvExample());
});

it('so is the README’s table, with a row for every setting', () => {
  const readme = read('README.md');
  expect(readme).toBe(withSettingsTable(readme));
  for (const name of Object.keys(settings)) expect(readme).toContain(`| \`${name}\` |`);
});

it('a README without the markers is no README to write to', () => {
  expect(() => withSettingsTable('# Posthorn')).toThrow(/<!-- settings -->/);
});
