import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { PlainError } from '../plain-error.js';

const Profile = z.object({
  /** The API. `apiKey` is only sent to its origin. */
  url: z.url(),
  apiKey: z.string().min(1),
  /** Default account of commands. null: that of the key, or none. */
  account: z.string().nullable(),
  /** Plain http to another machine. */
  allowHttp: z.boolean().optional(),
});
export type Profile = z.infer<typeof Profile>;

const Config = z.object({
  current: z.string().nullable(),
  profiles: z.record(z.string(), Profile),
});
export type Config = z.infer<typeof Config>;

const EMPTY: Config = { current: null, profiles: {} };

/** Reads the profiles. Returns an empty configuration if there is no file. Throws if other users can read the keys, or if the file is
 *  not valid; the message contains no value. */
export function readConfig(file: string): Config {
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new PlainError(`Other users may read ${file}, which contains keys.`, { fix: `Run: chmod 600 ${file}` });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return structuredClone(EMPTY);
    throw error;
  }
  const parsed = Config.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new PlainError(
    `${file} is not a valid configuration: ${parsed.error.issues[0]?.path.join('.') || 'no JSON'}.`,
    {
      fix: 'Correct or delete the file, then run: posthorn login',
    },
  );
}

/** Writes the file atomically, readable only by its owner. */
export function writeConfig(file: string, config: Config): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    chmodSync(draft, 0o600); // whatever the umask
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
