import { Posthorn } from '@posthorn/client';
import { chooseConnection, type Connection, type Given } from '../connection/choose-connection.js';
import { readConfig } from '../connection/config-file.js';
import { configFile, readConnectionSettings, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { EXIT, PlainError } from '../plain-error.js';

/** The API of one connection. Its key goes to the origin of the connection only: the client does not follow redirects. */
export interface Api {
  client: Posthorn;
  connection: Connection;
  /** Returns the account: `--account`, the default of the profile, or that of the key. Throws if an operator has to choose one. */
  account(): Promise<string>;
}

/** Options of every command that calls the API. */
export type ConnectionFlags = Given['flags'];

/** Opens the API that the options, the environment, a local stack in this folder or a profile choose. */
export function openApi(flags: ConnectionFlags, settings = readConnectionSettings()): Api {
  const { dataDir, ...env } = settings;
  const local = readLocalFile(resolveDataDir(dataDir));
  return connect(chooseConnection({ flags, env, local, config: readConfig(configFile()) }));
}

/** `fetch`: default: the global one. */
export function connect(connection: Connection, { fetch }: { fetch?: typeof globalThis.fetch } = {}): Api {
  const { url, apiKey } = connection;
  const client = new Posthorn({ url: url.href, apiKey, maxAttempts: 3, fetch });
  let account: Promise<string> | null = null;
  return {
    client,
    connection,
    account: () =>
      (account ??= connection.account === null ? accountOfKey(client) : Promise.resolve(connection.account)),
  };
}

/** Opens the API for one call whose body is this text. The client would serialize it again, which rounds large numbers and reorders
 *  keys. */
export const withBody = ({ connection }: Api, body: string): Posthorn =>
  connect(connection, { fetch: (url, init) => fetch(url, { ...init, body }) }).client;

async function accountOfKey({ routes }: Posthorn): Promise<string> {
  const { data } = await routes.GET('/v1/session');
  if (data.accountId !== null) return data.accountId;
  throw new PlainError('The operator key can access every account, so this command needs one.', {
    fix: 'Add --account <id>, or set POSTHORN_ACCOUNT. posthorn accounts list prints the accounts.',
    exitCode: EXIT.usage,
  });
}
