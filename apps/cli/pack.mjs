// Makes the packages that npm publishes: `posthorn` (the CLI with everything that `posthorn dev` runs) and `@posthorn/client`.
// Run `npm run build` first. Usage: node apps/cli/pack.mjs [folder]. Prints the paths of the tarballs.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** The apps that `posthorn dev` starts. */
const APPS = ['cli', 'api', 'worker', 'board', 'demo'];
/** What they read besides their code, as in the Dockerfile. */
const FILES = [
  'apps/console/dist',
  'apps/docs/dist/site',
  'apps/demo/page',
  'packages/tokens/tokens.css',
  'prisma/migrations',
  'LICENSE',
];
const OWN = /^@posthorn\//;

const folder = resolve(process.argv[2] ?? join(root, 'dist/npm'));
rmSync(join(folder, 'posthorn'), { recursive: true, force: true });
const staged = join(folder, 'posthorn');
mkdirSync(staged, { recursive: true });

const workspaces = findWorkspaces();
for (const { path } of workspaces) {
  copy(join(path, 'dist'));
  copy(join(path, 'package.json'));
}
for (const path of FILES) copy(path);
cpSync(join(root, 'docs/cli.md'), join(staged, 'README.md'));
linkOwnPackages();
writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);

for (const path of [staged, join(root, 'packages/client')]) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: path, encoding: 'utf8' }));
  console.log(join(folder, filename));
}

/** The apps, and the packages that they need, directly or indirectly. */
function findWorkspaces() {
  const found = new Map();
  const visit = (path) => {
    if (found.has(path)) return;
    const json = readJson(join(path, 'package.json'));
    found.set(path, { path, json });
    for (const name of Object.keys(json.dependencies ?? {})) {
      if (OWN.test(name)) visit(name.replace(OWN, 'packages/'));
    }
  };
  for (const app of APPS) visit(`apps/${app}`);
  return [...found.values()];
}

/** Copies a file or folder to the same place in the package, without what only compilers and debuggers need. */
function copy(path) {
  const isNeeded = (from) => !/\.(map|d\.ts|tsbuildinfo)$/.test(from);
  cpSync(join(root, path), join(staged, path), { recursive: true, filter: isNeeded });
}

/** Our packages are not published on their own, so imports of them become relative paths. The layout stays that of the repository, so
 *  paths to other files stay valid. */
function linkOwnPackages() {
  const SPECIFIER = /(\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)(["'])@posthorn\/([a-z-]+)(\/[a-z-]+)?\2/g;
  for (const file of readdirSync(staged, { recursive: true })) {
    if (!/^(apps|packages)\/(?!(console|docs)\/)[^/]+\/dist\/.*\.js$/.test(file)) continue;
    const at = join(staged, file);
    const text = readFileSync(at, 'utf8');
    const linked = text.replaceAll(SPECIFIER, (_all, before, quote, name, subpath = '') => {
      const { exports } = readJson(`packages/${name}/package.json`);
      const target = join(staged, 'packages', name, exports[`.${subpath}`].default);
      const path = relative(dirname(at), target);
      return `${before}${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`;
    });
    if (linked !== text) writeFileSync(at, linked);
  }
}

function manifest() {
  const { version, description, license, engines, repository } = readJson('package.json');
  const dependencies = {};
  for (const { json } of workspaces) {
    for (const [name, wanted] of Object.entries(json.dependencies ?? {})) {
      if (OWN.test(name)) continue;
      if (dependencies[name] !== undefined && dependencies[name] !== wanted)
        throw new Error(`${name} is needed as ${dependencies[name]} and as ${wanted}`);
      dependencies[name] = wanted;
    }
  }
  return {
    name: 'posthorn',
    version,
    description,
    license,
    repository, // set when it is published
    type: 'module',
    bin: { posthorn: 'apps/cli/dist/main.js' },
    files: ['apps', 'packages', 'prisma'],
    engines,
    dependencies: Object.fromEntries(Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}
