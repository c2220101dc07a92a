import { readFileSync, writeFileSync } from 'node:fs';
import { renderEnvExample, withSettingsTable } from './render.js';

// npm run docs -w @posthorn/settings
const root = new URL('../../../', import.meta.url);
writeFileSync(new URL('.env.example', root), renderEnvExample());
const readme = new URL('README.md', root);
writeFileSync(readme, withSettingsTable(readFileSync(readme, 'utf8')));
