import { readFileSync, writeFileSync } from 'node:fs';
import { readRuns } from './read-runs.js';
import { withFaults } from './render-docs.js';
import { scenarios } from './scenarios.js';

// npm run docs -w @posthorn/faults
const page = new URL('../../docs/faults.md', import.meta.url);
writeFileSync(page, withFaults(readFileSync(page, 'utf8'), scenarios, readRuns()));
