import { randomBytes } from 'node:crypto';
import type { Connection } from '../connection/choose-connection.js';
import { readConfig, writeConfig } from '../connection/config-file.js';

/** Returns the signing secret of `listen` for an account. It is made once and stored with the profiles, so that the local endpoint can
 *  keep it in its settings. It is not a secret of a subscription. */
export function listenSecret(file: string, { url }: Pick<Connection, 'url'>, account: string): string {
  const config = readConfig(file);
  const name = `${url.origin} ${account}`;
  const stored = Object.hasOwn(config.listenSecrets, name) ? config.listenSecrets[name] : undefined;
  if (stored !== undefined) return stored;
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  writeConfig(file, { ...config, listenSecrets: { ...config.listenSecrets, [name]: secret } });
  return secret;
}
