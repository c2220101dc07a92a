import { createHash, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Connection } from '../connection/choose-connection.js';

/** Returns the signing secret of `listen` for an account. It is made once and stored beside the profiles, so that the local endpoint can
 *  keep it in its settings. Concurrent calls return the same one. It is not a secret of a subscription. */
export function listenSecret(configFile: string, { url }: Pick<Connection, 'url'>, account: string): string {
  const name = createHash('sha256').update(`${url.origin} ${account}`).digest('hex');
  const file = join(dirname(configFile), 'listen-secrets', name);
  return read(file) ?? create(file);
}

function create(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  writeFileSync(draft, secret, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file); // unlike a rename, it does not replace the secret of another process
    return secret;
  } catch (error) {
    const stored = read(file);
    if (stored === null) throw error;
    return stored;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
