import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Keys {
  operatorKey: string;
  encryptionKey: string;
}

/** The keys of the local stack: from the environment, else from the data folder, where the first start makes them. Readable only by
 *  the owner. */
export function keepKeys(dataDir: string, given: { operatorKey: string | null; encryptionKey: string | null }): Keys {
  return {
    operatorKey: given.operatorKey ?? keep(join(dataDir, 'operator-key'), 'base64url'),
    encryptionKey: given.encryptionKey ?? keep(join(dataDir, 'encryption-key'), 'base64'),
  };
}

function keep(file: string, encoding: 'base64' | 'base64url'): string {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString(encoding)}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8').trim();
}
