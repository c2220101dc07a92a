import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { claimDirectory, DirectoryInUse } from './claim-directory.js';
import { markOf } from './process-mark.js';

const folder = mkdtempSync(join(tmpdir(), 'claim-directory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('claims a directory until it is released', () => {
  const directory = join(folder, 'held');
  const claim = claimDirectory(directory);
  expect(() => claimDirectory(directory)).toThrow(DirectoryInUse);
  claim.release();
  claimDirectory(directory).release();
  expect(readdirSync(directory)).toEqual([]);
});

test('ignores the claim of a process that has ended, or whose pid now belongs to another', () => {
  const directory = join(folder, 'left');
  claimDirectory(directory).release();
  const helpers = [{ pid: 1, startedAt: 'long ago' }];
  for (const owner of [
    { pid: 2 ** 22 + 1, startedAt: '1' },
    { ...markOf(process.pid), startedAt: 'another time' },
  ]) {
    writeFileSync(join(directory, 'owner.json'), JSON.stringify({ ...owner, helpers }));
    const claim = claimDirectory(directory);
    expect(claim.left).toEqual(helpers);
    claim.release();
  }
});

test('ignores an unreadable claim', () => {
  const directory = join(folder, 'broken');
  claimDirectory(directory).release();
  writeFileSync(join(directory, 'owner.json'), '{"pid":');
  claimDirectory(directory).release();
});
