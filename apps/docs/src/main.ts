import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSite } from './build-site.js';
import type { OpenApi } from './reference/document.js';

// A test of the API compares it with the document that the API serves.
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const document = JSON.parse(readFileSync(`${root}packages/client/openapi.json`, 'utf8')) as OpenApi;
buildSite({ root, out: fileURLToPath(new URL('../site/', import.meta.url)), document });
