import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

// oxlint refuses cycles between files; between folders nothing else would.

const SOURCE = import.meta.dirname;

test('no folder of core imports another one that imports it, directly or by others', () => {
  const arrows = readArrows();
  expect(arrows.size).toBeGreaterThan(10);
  expect([...arrows.keys()].filter((folder) => reachedFrom(folder, arrows).has(folder))).toEqual([]);
});

/** The folders that the files of each folder import, types included. Files beside the folders belong to none. */
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
