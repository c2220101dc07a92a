import { expect, it } from 'vitest';
import { renderPage } from './markdown.js';
import { writeLlms } from './write-llms.js';

const FILES = { pathOf: () => undefined, read: () => '' };
const llmsOf = (markdown: string) =>
  writeLlms([{ title: 'Start', pages: [renderPage({ path: 'publish', folder: 'docs', markdown }, FILES)] }]);

it('lists a page with its opening sentence', () => {
  expect(llmsOf('# Publish\n\nHow to publish.\n\n## One event\n')).toContain(
    '- [Publish](publish.md): How to publish.',
  );
});

it('throws for a page that begins with a heading, since its summary would be empty', () => {
  expect(() => llmsOf('# Publish\n\n## One event\n\nText\n')).toThrow('publish has no opening sentence');
});
