import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withFaults } from './render-docs.js';
import { scenarios } from './scenarios.js';

it('docs/faults.md has a row for every fault: npm run docs -w @posthorn/faults writes it', () => {
  const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8');
  expect(page).toBe(withFaults(page, scenarios));
  for (const { name } of scenarios) expect(page).toContain(`| ${name} |`);
});

it('throws for a page without the markers', () => {
  expect(() => withFaults('# Faults', scenarios)).toThrow(/<!-- faults -->/);
});
