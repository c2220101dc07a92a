// Writes src/generated/api.ts, the types of every request and response, from openapi.json. A test of the API fails while openapi.json
// differs from what the API serves.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8'));
// A field with a default may be left out of a request.
const types = astToString(await openapiTS(document, { defaultNonNullable: false }));
const file = new URL('src/generated/api.ts', import.meta.url);
mkdirSync(new URL('.', file), { recursive: true });
writeFileSync(file, `// Generated from openapi.json by generate-types.mjs.\n${types}`);
