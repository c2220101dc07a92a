import { readFileSync, writeFileSync } from 'node:fs';
import { renderEnvExample, withSettingsTable } from './render.js';

// npm run docs -w @posthorn/settings
const root = new URL('../../../', import.meta.url);
writeFileSync(new URL('.env.example', root), renderEnvExample());
const page = new URL('docs/settings.md', root);
writeFileSync(page, withSettingsTable(readFileSync(page, 'utf8')));
