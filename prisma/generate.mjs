// Makes the typed Prisma client. `prisma generate` would first download a schema engine that it does not use; naming any
// existing executable skips that. The one named exits 1, so that `migrate` or `db push`, run this way by mistake, fail
// loudly instead of doing nothing and exiting 0.
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
