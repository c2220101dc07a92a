#!/usr/bin/env node
// `npx posthorn` in a clone. npm links only commands that exist when it installs, before the first build.
import { existsSync } from 'node:fs';

const main = new URL('dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('Posthorn is not built yet. Run: npm run build');
  process.exit(1);
}
await import(main.href);
