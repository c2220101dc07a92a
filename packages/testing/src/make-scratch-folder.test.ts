import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makeScratchFolder } from './make-scratch-folder.js';

test('removes folders of killed processes, but not of running ones', () => {
  const first = makeScratchFolder();
  // A process id above Linux' maximum.
  const left = join(dirname(first), `posthorn-test-${2 ** 30}-left`);
  mkdirSync(left);
  const second = makeScratchFolder();
  expect([left, first, second].map((folder) => existsSync(folder))).toEqual([false, true, true]);
  for (const folder of [first, second]) rmSync(folder, { recursive: true });
});
