// Publishes the tarballs of `npm run pack` with provenance. Repeating it is safe: npm keeps published versions. Arguments go to npm publish.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './files.mjs';

const folder = join(root, 'dist/npm');
const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
if (tarballs.length === 0) throw new Error('dist/npm has no packages: run npm run pack');
for (const name of tarballs) {
  const tarball = join(folder, name);
  const manifest = execFileSync('tar', ['--extract', '--to-stdout', '--file', tarball, 'package/package.json'], {
    encoding: 'utf8',
  });
  const { name: packageName, version } = JSON.parse(manifest);
  const id = `${packageName}@${version}`;
  if (spawnSync('npm', ['view', id, 'version'], { encoding: 'utf8' }).stdout.trim() === version) {
    console.log(`${id} is already published.`);
    continue;
  }
  execFileSync('npm', ['publish', tarball, '--access', 'public', '--provenance', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
}
