// npm run clients: generates a Python and a Go client from packages/client/openapi.json, into clients/python and clients/go.
// A language without its toolchain is skipped, with a message. `npm run clients -- python` generates only one.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toOpenApi30 } from './to-openapi-3.0.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const document = fileURLToPath(new URL('../packages/client/openapi.json', import.meta.url));
const OPENAPI_PYTHON_CLIENT = 'openapi-python-client==0.29.1';
const OAPI_CODEGEN = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2';
const OAPI_RUNTIME = 'github.com/oapi-codegen/runtime@v1.9.0';

const LANGUAGES = {
  python: {
    probe: ['python3', '-c', 'import venv, sys; sys.exit(sys.version_info < (3, 10))'],
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
  if (!existsSync(join(bin, 'openapi-python-client'))) {
    run('python3', ['-m', 'venv', tools]);
    run(join(bin, 'pip'), ['install', '--quiet', OPENAPI_PYTHON_CLIENT]);
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
}

function generateGo() {
  const output = join(folder, 'go');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  const older = join(output, 'openapi-3.0.json');
  writeFileSync(older, JSON.stringify(toOpenApi30(JSON.parse(readFileSync(document, 'utf8')))));
  run('go', ['run', OAPI_CODEGEN, '-config', join(folder, 'go.yml'), '-o', join(output, 'posthorn.go'), older]);
  rmSync(older);
  run('go', ['mod', 'init', 'posthorn'], output);
  run('go', ['get', OAPI_RUNTIME], output);
  run('go', ['mod', 'tidy'], output);
  run('go', ['build', './...'], output);
}

function run(command, args, cwd = folder) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
