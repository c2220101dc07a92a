import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, it } from 'vitest';
import { PAGES, readPage, root } from './docs-blocks.js';

const site = `${root}apps/docs/dist/site/`;
const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
const pages = files.filter((name) => name.endsWith('.html'));
/** As the API serves them. */
const urlOf = (file: string): string => `/docs/${file.replace(/^index\.html$|\.html$/, '')}`;
const html = new Map(pages.map((file) => [urlOf(file), readFileSync(site + file, 'utf8')]));
const urls = new Set([...html.keys(), ...files.map((file) => `/docs/${file}`)]);

const linksOf = (text: string): string[] => [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) => link);

/** The links of a Markdown text, except those in code. */
function markdownLinksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map(([, link = '']) => link);
}

it.each([...html.keys()])('every link of %s leads to a page and a heading of the site, or to the console', (from) => {
  const broken = linksOf(html.get(from) ?? '').filter((link) => {
    if (/^https?:/.test(link)) return false;
    const { pathname, hash } = new URL(link, `http://posthorn.example${from}`);
    if (pathname === '/' && hash === '') return false; // the console
    const isThere = hash === '' || html.get(pathname)?.includes(` id="${decodeURIComponent(hash.slice(1))}"`);
    return !urls.has(pathname) || !isThere;
  });
  expect(broken).toEqual([]);
});

it('the pages load nothing from other hosts, and have no inline script or style', () => {
  for (const [url, text] of html) {
    const outside = [...text.matchAll(/<(?:link|script|img|iframe)[^>]* (?:href|src)="(?:https?:)?\/\//g)];
    expect([url, outside.length, /<script(?![^>]* src=)|<style| style="| on\w+="/.test(text)]).toEqual([url, 0, false]);
  }
});

it.each(PAGES)('every link of %s leads to a file of the repository, and to a heading of it', (page) => {
  const broken = markdownLinksOf(readPage(page)).filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = '', hash] = link.split('#');
    const target = file === '' ? page : posix.join(posix.dirname(page), file);
    if (hash === undefined) return !existsSync(root + target);
    const url = `/docs/${target.replace(/^docs\/(index(?=\.md$))?|\.md$/g, '').toLowerCase()}`;
    return !html.get(url)?.includes(` id="${hash}"`);
  });
  expect(broken).toEqual([]);
});

it('every link of the served Markdown leads to a file and a heading of the site', () => {
  const broken = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      markdownLinksOf(readFileSync(site + file, 'utf8')).flatMap((link) => {
        if (/^https?:/.test(link)) return [];
        const [path = '', hash] = link.split('#');
        const target = path === '' ? file : posix.join(posix.dirname(file), path);
        const page = html.get(urlOf(target.replace(/\.md$/, '.html')));
        const isThere = hash === undefined ? files.includes(target) : page?.includes(` id="${hash}"`);
        return isThere ? [] : [`${file}: ${link}`];
      }),
    );
  expect(broken).toEqual([]);
});

it('every page of docs/ is in the navigation, in the search and in llms.txt', () => {
  const start = html.get('/docs/') ?? '';
  const index = readFileSync(`${site}search.json`, 'utf8');
  const llms = readFileSync(`${site}llms.txt`, 'utf8');
  for (const page of PAGES.filter((one) => one.startsWith('docs/'))) {
    const path = page.replace(/^docs\/|\.md$/g, '');
    expect(start).toContain(` href="${path === 'index' ? './' : path}"`);
    expect(index).toContain(`"url":"${path === 'index' ? './' : path}`);
    expect(llms).toMatch(new RegExp(`\\]\\(${path}\\.md\\): .{10}`));
    expect(files).toContain(`${path}.md`);
  }
});
