import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { makeScratchFolder } from '@posthorn/testing';
import { expect, it } from 'vitest';
import { readRuns } from './read-runs.js';
import { withFaults } from './render-docs.js';
import { type FaultRun, resultOf, saveResult } from './save-result.js';
import { scenarios } from './scenarios.js';

const OUTCOME = {
  accepted: 4_000,
  delivered: 4_000,
  lost: 0,
  storedTwice: 0,
  duplicates: 3,
  inFlight: 12,
  unexplained: 0,
  normalAfterMs: 2_340.4,
  caughtUpAfterMs: 900,
  repeated: 1,
  stuck: 0,
  busy: 0.4242,
  promptMs: 1_000,
};
const RUN: FaultRun = {
  at: '2026-11-30T08:00:00.000Z',
  commit: null,
  machine: { cores: 2, cpu: 'Test', memoryGb: 8, node: 'v20.20.2' },
  queue: 'redis',
  form: 'long',
  rate: 200,
  seed: 7,
  faults: [resultOf('FLUSHALL', OUTCOME), resultOf('no fault', { ...OUTCOME, lost: 1, normalAfterMs: Infinity })],
  failed: [
    { fault: 'no fault', reason: '1 accepted but not delivered' },
    { fault: 'disk full', reason: 'the rig did not start' },
  ],
  notRun: [],
};
const EMPTY = '<!-- faults -->\n<!-- /faults -->';

it('docs/faults.md has a row for every fault and the committed results: npm run docs -w @posthorn/faults writes it', () => {
  const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8');
  expect(page).toBe(withFaults(page, scenarios, readRuns()));
  for (const { name } of scenarios) expect(page).toContain(`| ${name} |`);
});

it('shows the counts and the recovery of each fault of a run, and why a fault failed', () => {
  const page = withFaults(EMPTY, scenarios, [RUN]);
  expect(page).toContain('Measured on 2026-11-30 with 200 events per second and `--seed 7`: 2 cores (Test), 8 GB');
  expect(page).toContain('| FLUSHALL | 4000 | 0 | 3 of 12 | 0 | 2.3 s | passed |');
  expect(page).toContain('| no fault | 4000 | 1 | 3 of 12 | 0 | never | 1 accepted but not delivered |');
  expect(page).toContain('| disk full | – | – | – | – | – | the rig did not start |');
});

it('saves a complete long run under the name of its queue, and any other run under a name of its own', () => {
  const folder = `${makeScratchFolder()}/`;
  const path = saveResult(RUN, folder);
  expect(basename(path)).toBe('redis.json');
  const saved = JSON.parse(readFileSync(path, 'utf8')) as FaultRun;
  expect(saved.faults[1]).toMatchObject({ lost: 1, normalAfterMs: null });
  expect(withFaults(EMPTY, scenarios, [saved])).toBe(withFaults(EMPTY, scenarios, [RUN]));
  const others: Partial<FaultRun>[] = [
    { form: 'chosen' },
    { form: 'short' },
    { notRun: [{ fault: 'disk full', reason: 'not root' }] },
  ];
  for (const other of others)
    expect(basename(saveResult({ ...RUN, ...other }, folder))).toMatch(
      /^20261130T080000-redis-(chosen|short|long)\.json$/,
    );
});

it('throws for a page without the markers', () => {
  expect(() => withFaults('# Faults', scenarios, [])).toThrow(/<!-- faults -->/);
});
