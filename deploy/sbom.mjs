// node deploy/sbom.mjs: prints the software bill of materials of the image, as CycloneDX JSON, from package-lock.json. A scanner of the image
// would miss what is bundled into the API, the worker and the console. `npm sbom --omit=dev` omits what a workspace needs but the root only
// needs for development.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version: release, packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const APPS = ['apps/api', 'apps/worker', 'apps/board', 'apps/cli'];

const found = new Map(); // path in the lock file → paths that it depends on
for (const app of APPS) visit(app);
found.set(
  'apps/console',
  importedBy('apps/console/src').map((name) => resolve('apps/console', name)),
);
for (const path of found.get('apps/console')) visit(path);

/** One path for each name and version: npm installs some several times. */
const entries = [...new Map([...found.keys()].map((path) => [refOf(path), path])).values()].toSorted(byText);
const document = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: `urn:uuid:${uuidOf(JSON.stringify(entries.map(refOf)))}`,
  version: 1,
  metadata: {
    component: { type: 'application', 'bom-ref': `posthorn@${release}`, name: 'posthorn', version: release },
  },
  components: entries.map(toComponent),
  dependencies: [
    { ref: `posthorn@${release}`, dependsOn: [...APPS, 'apps/console'].map(refOf) },
    ...entries.map((path) => ({
      ref: refOf(path),
      dependsOn: [...new Set(found.get(path).map(refOf))].toSorted(byText),
    })),
  ],
};
console.log(JSON.stringify(document, null, 2));

/** Adds a package and what it needs in production. The image has no optional packages; a peer is there if something else needs it. */
function visit(path) {
  if (found.has(path)) return;
  const { dependencies = {}, optionalDependencies = {} } = packages[path];
  const names = Object.keys(dependencies).filter((name) => !(name in optionalDependencies));
  const targets = names.map((name) => resolve(path, name));
  found.set(path, targets);
  for (const target of targets) visit(target);
}

/** Finds a package as Node does: in the nearest node_modules. A workspace is a link there. */
function resolve(from, name) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)[^/]+$/, '')) {
    const entry = packages[join(folder, 'node_modules', name)];
    if (entry) return entry.link ? entry.resolved : join(folder, 'node_modules', name);
    if (folder === '') throw new Error(`package-lock.json has no ${name} for ${from}`);
  }
}

/** The packages whose code a bundle may contain. */
function importedBy(folder) {
  const names = new Set();
  for (const file of readdirSync(join(root, folder), { recursive: true })) {
    if (!/\.(ts|tsx|css)$/.test(file) || /\.test\./.test(file)) continue;
    const text = readFileSync(join(root, folder, file), 'utf8');
    for (const [, name] of text.matchAll(/(?:from|import)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)/g)) names.add(name);
  }
  const known = { ...packages['apps/console'].dependencies, ...packages['apps/console'].devDependencies };
  return [...names].filter((name) => name in known && !builtinModules.includes(name)).toSorted(byText);
}

function nameOf(path) {
  return packages[path].name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function refOf(path) {
  return `${nameOf(path)}@${packages[path].version}`;
}

function toComponent(path) {
  const { version, license, integrity } = packages[path];
  const [, scope, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(nameOf(path));
  return {
    type: 'library',
    'bom-ref': refOf(path),
    ...(scope && { group: scope }),
    name,
    version,
    purl: `pkg:npm/${scope ? `${scope.replace('@', '%40')}/` : ''}${name}@${version}`,
    ...(license && { licenses: [/ (OR|AND) /.test(license) ? { expression: license } : { license: { id: license } }] }),
    ...(integrity && { hashes: [toHash(integrity)] }),
  };
}

function toHash(integrity) {
  const [, algorithm, digest] = /^sha(\d+)-(\S+)/.exec(integrity);
  return { alg: `SHA-${algorithm}`, content: Buffer.from(digest, 'base64').toString('hex') };
}

function byText(one, other) {
  return one < other ? -1 : Number(one > other);
}

/** The same content has the same id. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
