import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeStandInBase } from './make-stand-in-base.mjs';

const TAG = 'posthorn';
const CONTAINER = 'posthorn-image-check';

/** Builds the Dockerfile of `root` in the store of buildah at `store`. Returns the image's configuration, its layers above the base
 *  with their bytes, and the folder with its files. */
export function buildImage({ root, store, scratch }) {
  const options = ['--root', join(store, 'layers'), '--runroot', join(scratch, 'run')];
  const buildah = (...args) => execFileSync('buildah', [...options, ...args], { encoding: 'utf8' }).trim();
  const build = (...args) => {
    const how = ['bud', '--format', 'docker', '--isolation', 'chroot', '--network', 'host', '--layers', '--pull-never'];
    execFileSync('buildah', [...options, ...how, ...args], { stdio: 'inherit' });
  };

  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const [, name] = /^FROM (?:--\S+ )?(\S+)/m.exec(dockerfile);
  const base = `docker.io/library/${name}`;
  const exists = spawnSync('buildah', [...options, 'inspect', '--type', 'image', base]).status === 0;
  if (!exists && spawnSync('buildah', [...options, 'pull', '--quiet', base]).status !== 0)
    build('--tag', base, makeStandInBase({ base, scratch }));
  build('--tag', TAG, root);

  spawnSync('buildah', [...options, 'rm', CONTAINER]); // of an earlier run

  const inspect = (image) => JSON.parse(buildah('inspect', '--type', 'image', image));
  const image = inspect(TAG);
  const baseLayers = JSON.parse(inspect(base).Manifest).layers.length;
  const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const commands = lastStage.match(/^(COPY|ADD|RUN) .*$/gm);
  return {
    config: image.Docker.config,
    layers: JSON.parse(image.Manifest)
      .layers.slice(baseLayers)
      .map(({ size }, index) => ({ bytes: size, command: commands[index] })),
    files: buildah('mount', buildah('from', '--pull-never', '--name', CONTAINER, TAG)),
  };
}
