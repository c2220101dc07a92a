import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { tanstackRouter } from '@tanstack/router-plugin/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The budget for JavaScript at first load, gzipped. */
const MAX_FIRST_LOAD_BYTES = 150 * 1000;

/** Writes a .br and a .gz file beside each text file, for the API to send. Fails the build if the first load exceeds its budget. */
const compressed = (): Plugin => ({
  name: 'compressed',
  apply: 'build',
  writeBundle({ dir = '' }, bundle) {
    let firstLoad = 0;
    const first = new Set<string>();
    const load = (name: string): void => {
      const chunk = bundle[name];
      if (chunk?.type !== 'chunk' || first.has(name)) return;
      first.add(name);
      firstLoad += gzipSync(chunk.code, { level: 9 }).length;
      chunk.imports.forEach(load);
    };
    for (const one of Object.values(bundle)) if (one.type === 'chunk' && one.isEntry) load(one.fileName);
    if (firstLoad > MAX_FIRST_LOAD_BYTES)
      this.error(`the first load needs ${firstLoad} bytes of JavaScript (gzip), more than ${MAX_FIRST_LOAD_BYTES}`);
    this.info(`JavaScript at first load: ${(firstLoad / 1000).toFixed(1)} kB gzip`);
    for (const name of Object.keys(bundle).filter((one) => /\.(js|css|svg)$/.test(one))) {
      const path = join(dir, name);
      const bytes = readFileSync(path);
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    }
  },
});

const LAYERS = '@layer base,layout,components,features;';

/** Puts the order of the cascade layers first, because a build joins the style sheets in the order of its chunks. */
const layerOrder = (): Plugin => ({
  name: 'layer-order',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'asset' && file.fileName.endsWith('.css')) file.source = `${LAYERS}${String(file.source)}`;
    },
  },
});

/** Marks portal pages in development, as the API does. */
const portalMark = (): Plugin => ({
  name: 'portal-mark',
  apply: 'serve',
  transformIndexHtml: (html, { originalUrl = '' }) =>
    /^\/portal([/?]|$)/.test(originalUrl) ? html.replace('<html ', '<html data-portal ') : html,
});

// For `npm run dev -w @posthorn/console` beside `npm start`: other requests go to the API.
const api = process.env['API_URL'] ?? 'http://127.0.0.1:3400';

export default defineConfig({
  plugins: [
    tanstackRouter({ target: 'react', semicolons: true, addExtensions: 'js' }),
    react(),
    layerOrder(),
    compressed(),
    portalMark(),
  ],
  // Relative, because the API can be served under any path.
  base: './',
  build: {
    target: 'es2023',
    // The content security policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    // All styles together are 6 kB gzipped: one file saves a request per screen.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/v1': api, '/docs': api, '/openapi.json': api } },
});
