import type { LocalFile } from '../local-stack/local-file.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Config } from './config-file.js';

/** Which API a command calls, and with which key. The key belongs to the origin of the URL. */
export interface Connection {
  url: URL;
  apiKey: string;
  /** null: that of the key. */
  account: string | null;
  /** Where it comes from, for people. */
  source: string;
}

/** A URL, and the key that belongs to it. */
interface EnvConnection {
  url: string | null;
  apiKey: string | null;
  /** The variables they come from. Default: POSTHORN_URL and POSTHORN_API_KEY. */
  names?: { url: string; apiKey: string };
}

export interface Given {
  flags: { apiUrl?: string; profile?: string; account?: string; allowHttp?: boolean };
  env: EnvConnection & { profile: string | null; account: string | null };
  /** The local stack of this folder; null: none is running. */
  local: Pick<LocalFile, 'apiUrl' | 'operatorKey'> | null;
  config: Config;
}

const LOCAL_ACCOUNT = 'demo';

/** The code of the error if nothing chooses a connection. */
export const NOTHING_CHOSEN = 'no_connection';

// --profile                       that profile
// POSTHORN_API_KEY                with POSTHORN_URL, or with an --api-url of the same origin
// --api-url, else POSTHORN_URL    the key that is stored for its origin
// POSTHORN_PROFILE                that profile
// a local stack is running here   its operator key
// else                            the current profile

/** Chooses the connection by the table above. A key is only ever combined with the origin that it was entered for. Throws if there is
 *  none, or if the key would be sent unencrypted to another machine. */
export function chooseConnection(given: Given): Connection {
  const { flags, env } = given;
  const found = find(given);
  const { allowHttp = false, ...connection } = found;
  if (connection.url.protocol === 'http:' && !isLoopback(connection.url) && !allowHttp && !flags.allowHttp) {
    throw new PlainError(`${connection.url.origin} is not encrypted, so others on the network could read your key.`, {
      fix: 'Use https://, or add --allow-http on a network that you trust.',
      exitCode: EXIT.usage,
    });
  }
  return { ...connection, account: flags.account ?? env.account ?? connection.account };
}

type Found = Connection & { allowHttp?: boolean | undefined };

function find({ flags, env, local, config }: Given): Found {
  const names = env.names ?? { url: 'POSTHORN_URL', apiKey: 'POSTHORN_API_KEY' };
  const url = flags.apiUrl ?? env.url;
  const urlName = flags.apiUrl === undefined ? names.url : '--api-url';
  if (flags.profile !== undefined) {
    const found = profileOf(config, flags.profile);
    if (flags.apiUrl === undefined || parseUrl(flags.apiUrl, '--api-url').origin === found.url.origin) return found;
    throw new PlainError(`The key of the profile ${flags.profile} belongs to ${found.url.origin}, not to --api-url.`, {
      fix: 'Leave out --api-url or --profile.',
      exitCode: EXIT.usage,
    });
  }
  if (env.apiKey !== null) {
    return { url: urlOfKey({ ...env, names }, flags), apiKey: env.apiKey, account: null, source: urlName };
  }
  if (url !== null) return keyFor(parseUrl(url, urlName), { local, config });
  if (env.profile !== null) return profileOf(config, env.profile);
  if (local !== null) return localOf(local);
  if (config.current !== null) return profileOf(config, config.current);
  throw new PlainError('No local stack is running in this folder, and no profile is stored.', {
    fix: 'Start a local stack (posthorn dev), or connect to a server (posthorn login https://…).',
    exitCode: EXIT.usage,
    fields: { code: NOTHING_CHOSEN },
  });
}

/** Returns where the key of the environment goes: to the URL of the environment, or to an `--api-url` of the same origin. */
function urlOfKey({ url, apiKey, names }: Required<EnvConnection>, { apiUrl }: Given['flags']): URL {
  if (!/^[\x21-\x7e]+$/.test(apiKey ?? '')) {
    throw new PlainError(`${names.apiKey} has characters that no key has.`, { exitCode: EXIT.usage });
  }
  if (url === null) {
    throw new PlainError(`${names.apiKey} is set without ${names.url}, so it is not clear where to send the key.`, {
      fix: `Set ${names.url} as well, or unset ${names.apiKey}.`,
      exitCode: EXIT.usage,
    });
  }
  const own = parseUrl(url, names.url);
  const wanted = apiUrl === undefined ? own : parseUrl(apiUrl, '--api-url');
  if (wanted.origin === own.origin) return wanted;
  throw new PlainError(`The key in ${names.apiKey} belongs to ${own.origin} (${names.url}), not to --api-url.`, {
    fix: `Set ${names.url} and ${names.apiKey} to those of ${wanted.origin}, or unset ${names.apiKey} to use a stored key.`,
    exitCode: EXIT.usage,
  });
}

function keyFor(url: URL, { local, config }: Pick<Given, 'local' | 'config'>): Found {
  if (local !== null && new URL(local.apiUrl).origin === url.origin) return { ...localOf(local), url };
  const { current, profiles } = config;
  const names = [...(current === null ? [] : [current]), ...Object.keys(profiles)];
  const name = names.find((one) => profiles[one] && new URL(profiles[one].url).origin === url.origin);
  if (name !== undefined) return { ...profileOf(config, name), url };
  throw new PlainError(`No key is stored for ${url.origin}.`, {
    fix: `Run: posthorn login ${url.origin} (or set POSTHORN_URL and POSTHORN_API_KEY).`,
    exitCode: EXIT.usage,
  });
}

function profileOf({ profiles }: Config, name: string): Found {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile) return { ...profile, url: new URL(profile.url), source: `profile ${name}` };
  const known = Object.keys(profiles);
  throw new PlainError(`No profile is named ${name}.`, {
    fix: known.length === 0 ? 'Run: posthorn login' : `Choose one of: ${known.join(', ')}.`,
    exitCode: EXIT.usage,
  });
}

const localOf = ({ apiUrl, operatorKey }: NonNullable<Given['local']>): Found => ({
  url: new URL(apiUrl),
  apiKey: operatorKey,
  account: LOCAL_ACCOUNT,
  source: 'the local stack of this folder',
});

/** Throws unless the text is an http or https URL without user and password. */
export function parseUrl(text: string, name: string): URL {
  const url = parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new PlainError(`${name} must be an http or https URL, such as https://hooks.example.com.`, {
      exitCode: EXIT.usage,
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new PlainError(`${name} must not contain a user name or password.`, { exitCode: EXIT.usage });
  }
  url.hash = '';
  url.search = '';
  return url;
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** Whether only this machine can see the traffic. */
export const isLoopback = ({ hostname }: URL): boolean =>
  /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
