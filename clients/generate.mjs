// npm run clients: generates a Python and a Go client from packages/client/openapi.json, into clients/python and clients/go.
// A language without its toolchain is skipped, with a message. `npm run clients -- python` generates only one.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toOpenApi30 } from './to-openapi-3.0.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const document = fileURLToPath(new URL('../packages/client/openapi.json', import.meta.url));
const PYTHON_GENERATOR = { name: 'openapi-python-client', version: '0.29.1' };
const OAPI_CODEGEN = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2';
const OAPI_RUNTIME = 'github.com/oapi-codegen/runtime@v1.9.0';

const LANGUAGES = {
  python: {
    probe: ['python3', '-c', 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))'],
    needs: 'Python 3.10 or newer with venv',
    generate: generatePython,
  },
  go: { probe: ['go', 'version'], needs: 'Go', generate: generateGo },
};

const wanted = process.argv.slice(2);
for (const [
  language,
  {
    probe: [command, ...args],
    needs,
    generate,
  },
] of Object.entries(LANGUAGES)) {
  if (wanted.length > 0 && !wanted.includes(language)) continue;
  if (spawnSync(command, args).status !== 0) {
    console.warn(`SKIPPED: no client in ${language}. It needs ${needs}.`);
    continue;
  }
  generate();
  console.log(`clients/${language} is ready.`);
}

function generatePython() {
  const tools = join(folder, '.tools');
  const bin = join(tools, 'bin');
  const { name, version } = PYTHON_GENERATOR;
  if (installedVersion(join(bin, 'python'), name) !== version) {
    run('python3', ['-m', 'venv', tools]);
    // Python compiles the modules that are used when it first imports them.
    run(join(bin, 'pip'), ['install', '--quiet', '--no-compile', '--disable-pip-version-check', `${name}==${version}`]);
  }
  const output = join(folder, 'python');
  const options = [
    '--path',
    document,
    '--meta',
    'setup',
    '--config',
    join(folder, 'python.yml'),
    '--output-path',
    output,
  ];
  run(join(bin, 'openapi-python-client'), ['generate', '--overwrite', '--fail-on-warning', ...options]);
  checkPythonIds(output);
}

/** Returns the version of a package in the environment of this Python, or null if either is missing. */
function installedVersion(python, name) {
  const script = 'import sys; from importlib.metadata import version; print(version(sys.argv[1]))';
  const { status, stdout } = spawnSync(python, ['-c', script, name], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

function generateGo() {
  const output = join(folder, 'go');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  const older = join(output, 'openapi-3.0.json');
  writeFileSync(older, JSON.stringify(toOpenApi30(JSON.parse(readFileSync(document, 'utf8')))));
  run('go', ['run', OAPI_CODEGEN, '-config', join(folder, 'go.yml'), '-o', join(output, 'posthorn.go'), older]);
  rmSync(older);
  checkGoIds(output);
  run('go', ['mod', 'init', 'posthorn'], output);
  run('go', ['mod', 'edit', `-require=${OAPI_RUNTIME}`], output);
  run('go', ['mod', 'tidy'], output);
  run('go', ['build', './...'], output);
}

// A client resolves `.` and `..` in a URL, however they are escaped. So an id like that would lead to another route.

function checkPythonIds(output) {
  const module = join(output, 'posthorn_client');
  writeFileSync(
    join(module, 'path_segment.py'),
    `from urllib.parse import quote


def path_segment(value: str) -> str:
    """Returns the id escaped for a URL. Raises ValueError for a value that would lead to another route."""
    if value in ("", ".", ".."):
        raise ValueError(f"a path parameter must be an id; it is {value!r}")
    return quote(value, safe="")
`,
  );
  let count = 0;
  for (const file of readdirSync(join(module, 'api'), { recursive: true })) {
    if (!file.endsWith('.py')) continue;
    const path = join(module, 'api', file);
    const code = readFileSync(path, 'utf8');
    const checked = code
      .replace(/quote\(str\((\w+)\), safe=""\)/g, 'path_segment(str($1))')
      .replace('from urllib.parse import quote', 'from ...path_segment import path_segment');
    if (checked !== code) count += 1;
    writeFileSync(path, checked);
  }
  if (count === 0) throw new Error('the Python client has no path parameters: adapt checkPythonIds to the generator');
}

function checkGoIds(output) {
  const file = join(output, 'posthorn.go');
  const code = readFileSync(file, 'utf8');
  const checked = code.replace(/^(\tpathParam\d+, err = )(runtime\.Style\w+\(.*\))$/gm, '$1pathSegment($2)');
  if (checked === code) throw new Error('the Go client has no path parameters: adapt checkGoIds to the generator');
  writeFileSync(file, checked);
  writeFileSync(
    join(output, 'path_segment.go'),
    `package posthorn

import "fmt"

// pathSegment returns the escaped id, or an error for a value that would lead to another route.
func pathSegment(escaped string, err error) (string, error) {
	if err == nil && (escaped == "" || escaped == "." || escaped == "..") {
		err = fmt.Errorf("a path parameter must be an id; it is %q", escaped)
	}
	return escaped, err
}
`,
  );
}

function run(command, args, cwd = folder) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
