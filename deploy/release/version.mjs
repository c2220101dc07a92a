// Sets the next version: Changesets computes it from .changeset/*.md and writes it into the workspaces; this script writes it everywhere else, and
// moves the texts of the changesets to CHANGELOG.md. The CLI of Changesets is not a dependency: only this script needs it, in a job that
// cannot publish.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesWithVersion, readChangelog, readChangesets, readVersion, root } from './files.mjs';

const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });

const before = readVersion();
const texts = readChangesets();
if (texts.length === 0) throw new Error('.changeset has no changesets: run npx @changesets/cli add');
run('npx', '--yes', '@changesets/cli@2.31.1', 'version');
const version = readVersion('packages/client');

for (const name of filesWithVersion) {
  const file = join(root, name);
  const text = readFileSync(file, 'utf8');
  // The dependencies in package.json have versions of their own.
  const isManifest = name === 'package.json';
  const next = isManifest
    ? text.replace(`"version": "${before}"`, `"version": "${version}"`)
    : text.replaceAll(before, version);
  writeFileSync(file, next);
}
run('npm', 'install', '--package-lock-only', '--ignore-scripts');

const section = `## ${version}\n\n${texts.map((text) => `- ${text.replaceAll('\n', '\n  ')}`).join('\n')}\n`;
writeFileSync(join(root, 'CHANGELOG.md'), readChangelog().replace(/\n/, `\n\n${section}`));
console.log(`${before} → ${version}`);
