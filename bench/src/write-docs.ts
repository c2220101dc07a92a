import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { withBenchmarks } from './render-docs.js';
import type { RunResult } from './save-result.js';

// npm run docs -w @posthorn/bench
const root = new URL('../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
const result = 'bench/results/full.json';
const full = existsSync(new URL(result, root)) ? (JSON.parse(read(result)) as RunResult) : null;
const page = withBenchmarks(read('docs/benchmarks.md'), { full, performance: read('docs/performance.md') });
writeFileSync(new URL('docs/benchmarks.md', root), page);
