import { expect, it } from 'vitest';
import { type Files, renderPage } from './markdown.js';

const FILES: Files = {
  pathOf: (file) =>
    ({ 'docs/operate.md': 'operate', 'docs/api/events.md': 'api/events', 'ARCHITECTURE.md': 'architecture' })[file],
  read: (file) => `the text of ${file}\n`,
};
const render = (markdown: string, path = 'publish') =>
  renderPage({ path, folder: path.startsWith('api/') ? 'docs/api' : 'docs', markdown }, FILES);

it('turns links between files into links between pages', () => {
  const links = '[a](operate.md#alerts) [b](../ARCHITECTURE.md) [c](api/events.md) [d](https://example.com) [e](#here)';
  expect(render(links).html).toContain(
    '<a href="operate#alerts">a</a> <a href="architecture">b</a> <a href="api/events">c</a> <a href="https://example.com">d</a> <a href="#here">e</a>',
  );
  expect(render('[a](../operate.md) [b](events.md)', 'api/errors').html).toContain(
    '<a href="../operate">a</a> <a href="../api/events">b</a>',
  );
});

it('turns a link to a file without a page into text', () => {
  expect(render('[code](../bench/src/dialect.ts)').html).toBe('<p><a>code</a></p>\n');
});

it('turns links in the served Markdown into links between served files, except in code', () => {
  const links =
    '[a](operate.md#alerts) [b](../ARCHITECTURE.md) `[c](operate.md)` [`d`](../bench/src/dialect.ts) ![e](e.png) [f](https://example.com)';
  expect(render(links).markdown).toBe(
    '[a](operate.md#alerts) [b](architecture.md) `[c](operate.md)` `d` ![e](e.png) [f](https://example.com)',
  );
  expect(render('```md\n[a](../ARCHITECTURE.md)\n```').markdown).toBe('```md\n[a](../ARCHITECTURE.md)\n```');
  expect(render('[a](../operate.md) [b](events.md)', 'api/errors').markdown).toBe(
    '[a](../operate.md) [b](../api/events.md)',
  );
});

it('shows an included file as code, and no comment', () => {
  const { html, markdown } = render('<!-- test: shell -->\n[a](examples/a.mjs "include")\n');
  expect(markdown).toBe('```mjs\nthe text of docs/examples/a.mjs\n```\n');
  expect(html).toContain('<div class="code"><pre><code>the text');
});

it('gives headings the ids of GitHub, each once, and splits the text by them', () => {
  const page = render('# A page\n\nFirst.\n\n## Who *can* do what?\n\nSecond.\n\n## Who can do what\n\n### A `part`\n');
  expect(page).toMatchObject({
    title: 'A page',
    summary: 'First.',
    outline: [
      { id: 'who-can-do-what', text: 'Who can do what?' },
      { id: 'who-can-do-what-1', text: 'Who can do what' },
    ],
    sections: [
      { id: null, heading: 'A page', text: 'First.' },
      { id: 'who-can-do-what', heading: 'Who can do what?', text: 'Second.' },
      { id: 'who-can-do-what-1', heading: 'Who can do what', text: '' },
      { id: 'a-part', heading: 'A part', text: '' },
    ],
  });
  expect(page.html).toContain('<h2 id="who-can-do-what"><a href="#who-can-do-what">Who <em>can</em> do what?</a></h2>');
});

it('escapes HTML in text and in code', () => {
  const { html } = render('A <b>b</b>\n\n```text\n<script>\n```\n\n```sh details A <label>\nls\n```');
  expect(html).not.toMatch(/<b>|<script|<label>/);
  expect(html).toContain('<details><summary>A &lt;label&gt;</summary>');
});
