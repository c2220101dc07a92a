import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { THIS_BUILD } from './rig.js';

/** A later version of Posthorn: the code of this build with one column renamed, and the two migrations of that rename. */
export interface NextVersion {
  /** Has the API, the worker and the CLI at the places of this repository. */
  folder: string;
  /** The column of `events`, by its old and its new name. */
  from: string;
  to: string;
  /** Makes the version include its migrations up to this one. */
  ship(until: 'expand' | 'contract'): void;
  /** Fills the new column of older rows, in small steps. */
  backfill(databaseUrl: string): Promise<void>;
  remove(): void;
}

const FROM = 'delivery_count';
const TO = 'delivery_total';

// `events` is the table that every publish writes. The trigger writes both columns, so either version may write a row, and the other
// version can read it.
const MIGRATIONS = {
  expand: `
ALTER TABLE events ADD COLUMN ${TO} integer;
CREATE FUNCTION write_both_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.${TO} IS DISTINCT FROM OLD.${TO} THEN NEW.${FROM} := NEW.${TO}; ELSE NEW.${TO} := NEW.${FROM}; END IF;
  ELSE
    NEW.${TO} := coalesce(NEW.${TO}, NEW.${FROM});
    NEW.${FROM} := NEW.${TO};
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER write_both_counts BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION write_both_counts();
`,
  contract: `
DROP TRIGGER write_both_counts ON events;
DROP FUNCTION write_both_counts();
ALTER TABLE events DROP COLUMN ${FROM};
`,
};
const FOLDERS = { expand: '29990101000000_expand', contract: '29990102000000_contract' };
const BACKFILL_STEP = 500;

/** The parts of a build that name columns, or that find the migrations relative to their own place. */
const COPIED = ['apps/api', 'apps/worker', 'apps/cli', 'packages/core'];

/** Makes the version in a temporary folder. Throws if no copied file names the column. */
export function makeNextVersion(): NextVersion {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-next-'));
  const migrations = join(folder, 'prisma/migrations');
  cpSync(join(THIS_BUILD, 'prisma/migrations'), migrations, { recursive: true });
  let renamed = 0;
  for (const path of COPIED) {
    for (const part of ['dist', 'package.json']) {
      const filter = (file: string) => !file.endsWith('.map') && !file.endsWith('.d.ts');
      cpSync(join(THIS_BUILD, path, part), join(folder, path, part), { recursive: true, filter });
    }
    renamed += renameIn(join(folder, path, 'dist'));
  }
  if (renamed === 0) throw new Error(`The build does not name the column ${FROM}.`);
  linkTheRest(folder);
  return {
    folder,
    from: FROM,
    to: TO,
    ship(until) {
      mkdirSync(join(migrations, FOLDERS[until]));
      writeFileSync(join(migrations, FOLDERS[until], 'migration.sql'), MIGRATIONS[until]);
    },
    backfill,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Renames the column in all JavaScript files below a folder. Returns the number of changed files. */
function renameIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  return files.filter((name) => {
    const file = join(folder, name);
    const code = readFileSync(file, 'utf8');
    if (!code.includes(FROM)) return false;
    writeFileSync(file, code.replaceAll(FROM, TO));
    return true;
  }).length;
}

/** Everything else is that of this build. */
function linkTheRest(folder: string): void {
  const link = (path: string) => symlinkSync(join(THIS_BUILD, path), join(folder, path));
  for (const group of ['apps', 'packages', 'node_modules/@posthorn']) {
    mkdirSync(join(folder, group), { recursive: true });
    for (const name of readdirSync(join(THIS_BUILD, group))) {
      if (![...COPIED, 'node_modules/@posthorn/core'].includes(`${group}/${name}`)) link(`${group}/${name}`);
    }
  }
  symlinkSync('../../packages/core', join(folder, 'node_modules/@posthorn/core'));
  for (const name of readdirSync(join(THIS_BUILD, 'node_modules')))
    if (name !== '@posthorn') link(`node_modules/${name}`);
  for (const path of COPIED) if (existsSync(join(THIS_BUILD, path, 'node_modules'))) link(`${path}/node_modules`);
}

async function backfill(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let changed: number | null = 1; changed;) {
      // The trigger sets the new column.
      ({ rowCount: changed } = await client.query(
        `UPDATE events e SET ${FROM} = e.${FROM} FROM (SELECT account_id, id FROM events WHERE ${TO} IS NULL LIMIT ${BACKFILL_STEP}) old
         WHERE e.account_id = old.account_id AND e.id = old.id`,
      ));
    }
  } finally {
    await client.end();
  }
}
