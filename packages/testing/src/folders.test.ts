import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

// oxlint refuses cycles between files; this test refuses cycles between folders.

const ROOT = join(import.meta.dirname, '../../..');

/** It still has a cycle. */
const NOT_YET = 'apps/cli/src';
const SOURCES = ['apps', 'packages']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}/src`))
  .concat('bench/src', 'faults/src', 'apps/console/src/features')
  .filter((source) => source !== NOT_YET);

test.each(SOURCES)('folders of %s have no import cycles, direct or indirect', (source) => {
  const arrows = readArrows(join(ROOT, source));
  expect([...arrows.keys()].filter((folder) => reachedFrom(folder, arrows).has(folder))).toEqual([]);
});

test('finds the imports between folders', () => {
  for (const source of ['packages/core/src', 'apps/console/src', 'apps/console/src/features'])
    expect(readArrows(join(ROOT, source)).size).toBeGreaterThan(3);
});

/** Returns which folders the files of each folder import, including types and styles. Files outside folders are ignored. */
function readArrows(source: string): Map<string, Set<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const folder = topOf(file);
    if (!/\w\/.*(?<!\.test|\.test-support)\.tsx?$/.test(file) || folder === 'generated') continue;
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, path = ''] of text.matchAll(/(?: from |^import |import\()'(\.[^']+)'/gm)) {
      const to = topOf(relative(source, join(source, dirname(file), path)));
      if (to === folder || to === 'generated' || to === '..' || /\.(js|css)$/.test(to)) continue;
      arrows.set(folder, (arrows.get(folder) ?? new Set()).add(to));
    }
  }
  return arrows;
}

const topOf = (path: string): string => path.split('/')[0] ?? '';

function reachedFrom(folder: string, arrows: Map<string, Set<string>>): Set<string> {
  const reached = new Set<string>();
  const next = [...(arrows.get(folder) ?? [])];
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    if (reached.has(one)) continue;
    reached.add(one);
    next.push(...(arrows.get(one) ?? []));
  }
  return reached;
}
