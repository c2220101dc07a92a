import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { layOut } from './layout.js';
import { type Files, renderPage } from './markdown.js';
import type { Page } from './page.js';
import type { OpenApi } from './reference/document.js';
import { renderReference } from './reference/render-reference.js';
import { SITE_MAP, sourcePages } from './site-map.js';
import { writeLlms } from './write-llms.js';
import { writeSearchIndex } from './write-search-index.js';

/** In docs/api.md: where the list of operations goes. */
const OPERATIONS = '<!-- operations -->';
const assets = fileURLToPath(new URL('../../assets/', import.meta.url));

/** Writes the site to the folder `out`: a page per Markdown file, the API reference, the search index, llms.txt and the assets. */
export function buildSite({ root, out, document }: { root: string; out: string; document: OpenApi }): void {
  rmSync(out, { recursive: true, force: true });
  const groups = renderGroups(root, document);
  const pages = groups.flatMap((group) => group.pages);
  const frame = { navigation: groups, assets: writeAssets(out) };
  for (const page of pages) {
    write(out, `${page.path}.html`, layOut(page, frame));
    write(out, `${page.path}.md`, page.markdown);
  }
  write(out, 'search.json', writeSearchIndex(pages));
  write(out, 'llms.txt', writeLlms(groups));
  for (const image of readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.png')))
    cpSync(join(root, 'docs', image), join(out, image));
  cpSync(join(root, 'apps/console/public/posthorn.svg'), join(out, 'posthorn.svg'));
}

/** The pages of the site map, then those of the API reference. */
function renderGroups(root: string, document: OpenApi): { title: string; pages: Page[] }[] {
  const reference = renderReference(document);
  const paths = new Map([
    ...sourcePages.map(({ file, path }) => [file, path] as const),
    ...reference.pages.map(({ path }) => [`docs/${path}.md`, path] as const),
  ]);
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const files: Files = { pathOf: (file) => paths.get(file), read };
  const written = SITE_MAP.map(({ title, pages }) => ({
    title,
    pages: pages.map(({ path, file }) => {
      const markdown = read(file).replace(OPERATIONS, () => reference.overview);
      return renderPage({ path, folder: posix.dirname(file), markdown }, files);
    }),
  }));
  const generated = reference.pages.map(({ path, markdown }) =>
    renderPage({ path, folder: 'docs/api', markdown }, files),
  );
  return [...written, { title: 'API reference', pages: generated }];
}

/** Copies the style, the scripts and the fonts under names with a hash of their content, so that browsers may keep them for good. */
function writeAssets(out: string): { style: string; script: string; theme: string } {
  const add = (name: string, content: string | Buffer): string => {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
    const hashed = `${name.slice(0, -extname(name).length)}.${hash}${extname(name)}`;
    write(out, `assets/${hashed}`, content);
    return hashed;
  };
  const fileOf = (specifier: string) => readFileSync(fileURLToPath(import.meta.resolve(specifier)));
  const inter = add('inter.woff2', fileOf('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'));
  const mono = add(
    'mono.woff2',
    fileOf('@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2'),
  );
  const search = add('minisearch.js', withoutMap(fileOf('minisearch').toString()));
  const asset = (name: string) => readFileSync(join(assets, name), 'utf8');
  const css = asset('site.css').replace('inter.woff2', inter).replace('mono.woff2', mono);
  return {
    style: add('site.css', fileOf('@posthorn/tokens/tokens.css').toString() + css),
    script: add('site.js', asset('site.js').replace('minisearch.js', search)),
    theme: add('theme.js', asset('theme.js')),
  };
}

const withoutMap = (code: string): string => code.replace(/\/\/# sourceMappingURL=.*/, '');

/** Writes a file, and beside a text its compressed forms, which the API sends. */
function write(out: string, name: string, content: string | Buffer): void {
  const path = join(out, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  if (typeof content !== 'string') return;
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
}
