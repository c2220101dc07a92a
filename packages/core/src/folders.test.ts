import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

// oxlint refuses cycles between files; this test refuses cycles between folders.

const SOURCE = import.meta.dirname;

test('folders of core have no import cycles, direct or indirect', () => {
  const arrows = readArrows();
  expect(arrows.size).toBeGreaterThan(10);
  expect([...arrows.keys()].filter((folder) => reachedFrom(folder, arrows).has(folder))).toEqual([]);
});

/** Returns which folders the files of each folder import, including types. Files outside folders are ignored. */
function readArrows(): Map<string, Set<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
    const folder = topOf(file);
    if (!/\w\/.*(?<!\.test|\.test-support)\.ts$/.test(file) || folder === 'generated') continue;
    const text = readFileSync(join(SOURCE, file), 'utf8');
    for (const [, path = ''] of text.matchAll(/ from '(\.[^']+)';$/gm)) {
      const to = topOf(relative(SOURCE, join(SOURCE, dirname(file), path)));
      if (to === folder || to === 'generated' || to.endsWith('.js')) continue;
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
