import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files that contain the version, besides the package.json of each workspace and the lock file. */
export const filesWithVersion = JSON.parse(readFileSync(new URL('files-with-version.json', import.meta.url), 'utf8'));

export function readVersion(workspace = '.') {
  return JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')).version;
}

/** The texts of the changesets that are not released yet. */
export function readChangesets() {
  const folder = join(root, '.changeset');
  const files = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');
  return files.toSorted().map((name) => {
    const [, , text = ''] = /^---\n([^]*?)\n---\n([^]*)$/.exec(readFileSync(join(folder, name), 'utf8')) ?? [];
    return text.trim();
  });
}

export function readChangelog() {
  const file = join(root, 'CHANGELOG.md');
  return existsSync(file) ? readFileSync(file, 'utf8') : '# Changes\n';
}
