import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { withBenchmarks } from './render-docs.js';
import { withSizing } from './render-sizing.js';
import type { RunResult } from './save-result.js';
import { readCost } from './sizing.js';

// npm run docs -w @posthorn/bench
const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const result = 'bench/results/full.json';
const full = existsSync(new URL(result, root)) ? (JSON.parse(read(result)) as RunResult) : null;
const measured = { full, performance: read('docs/performance.md') };
writeFileSync(new URL('docs/benchmarks.md', root), withBenchmarks(read('docs/benchmarks.md'), measured));
writeFileSync(new URL('docs/sizing.md', root), withSizing(read('docs/sizing.md'), readCost(measured)));
