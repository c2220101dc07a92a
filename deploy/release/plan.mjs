// Prints what release.yml has to do, as outputs of a GitHub step: `next` is version (changesets are pending), publish (the version has no tag)
// or nothing.
import { execFileSync } from 'node:child_process';
import { readChangesets, readVersion, root } from './files.mjs';

const version = readVersion();
const isTagged = execFileSync('git', ['tag', '--list', `v${version}`], { cwd: root, encoding: 'utf8' }).trim() !== '';
const next = readChangesets().length > 0 ? 'version' : isTagged ? 'nothing' : 'publish';
console.log(`version=${version}\nnext=${next}`);
