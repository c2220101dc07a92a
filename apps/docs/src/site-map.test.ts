import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sourcePages } from './site-map.js';

test('the navigation has every page of docs/ once', () => {
  const inFolder = readdirSync(new URL('../../../docs/', import.meta.url)).filter((name) => name.endsWith('.md'));
  const listed = sourcePages.map(({ file }) => file).filter((file) => file.startsWith('docs/'));
  expect(listed.toSorted()).toEqual(inFolder.map((name) => `docs/${name}`).toSorted());
});
