// Generates the typed Prisma client. `prisma generate` would download a schema engine that it does not use. Naming any existing
// executable skips the download. `false` exits with 1, so a mistaken `migrate` or `db push` fails instead of doing nothing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stub = ['/bin/false', '/usr/bin/false'].find(existsSync);
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/prisma/build/index.js'), 'generate', '--no-hints'],
  {
    cwd: root,
    stdio: ['ignore', process.env.CI ? 'inherit' : 'ignore', 'inherit'],
    env: { PRISMA_SCHEMA_ENGINE_BINARY: stub, CHECKPOINT_DISABLE: '1', ...process.env },
  },
);
process.exit(status ?? 1);
