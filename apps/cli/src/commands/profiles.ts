import { connect } from '../api/open-api.js';
import { explainError } from '../api/explain-error.js';
import { isLoopback, parseUrl } from '../connection/choose-connection.js';
import { type Profile, readConfig, writeConfig } from '../connection/config-file.js';
import { configFile, readProfileName } from '../env.js';
import { readSecret } from '../input/confirm.js';
import { table } from '../output/table.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Call } from './context.js';

const DEFAULT_PROFILE = 'default';
const PROFILE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Checks a key with the server, stores it with the server's URL, and makes this the current profile. The key is read from the terminal
 *  or from stdin, never from an argument, which other users of the machine could see. */
export async function login({ args: [given = ''], options, terminal }: Call): Promise<void> {
  const name = options.profile ?? readProfileName() ?? DEFAULT_PROFILE;
  if (!PROFILE_NAME.test(name)) {
    throw new PlainError('The name of a profile must be 1 to 64 letters, digits, _ . or -.', { exitCode: EXIT.usage });
  }
  const url = parseUrl(given, 'The URL');
  if (url.protocol === 'http:' && !isLoopback(url) && !options.allowHttp) {
    throw new PlainError(`${url.origin} is not encrypted, so others on the network could read your key.`, {
      fix: 'Use https://, or add --allow-http on a network that you trust.',
      exitCode: EXIT.usage,
    });
  }
  const apiKey = await readSecret(`API key for ${url.origin}: `);
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new PlainError('The key is empty or has characters that no key has.', {
      fix: 'Enter it at the prompt, or pipe it: posthorn login https://… < key.txt',
      exitCode: EXIT.usage,
    });
  }

  const source = 'posthorn login';
  const { client } = connect({ url, apiKey, account: null, source });
  const { data: session } = await client.routes.GET('/v1/session').catch((error: unknown) => {
    throw explainError(error, { source });
  });
  const account = options.account ?? session.accountId;

  const file = configFile();
  const config = readConfig(file);
  const profile: Profile = { url: url.href, apiKey, account, ...(options.allowHttp && { allowHttp: true }) };
  writeConfig(file, { ...config, current: name, profiles: { ...config.profiles, [name]: profile } });
  const { kind } = session;
  terminal.result({ profile: name, url: url.href, kind, account }, () => {
    const who = kind === 'operator' ? 'with the operator key' : `for the account ${account}`;
    return `Logged in to ${url.origin} ${who}. Profile: ${name}.`;
  });
  if (!terminal.isJson) terminal.note(`The key is stored in ${file}, readable only by you.`);
}

/** Removes the profile of `--profile`, else of POSTHORN_PROFILE, else the current one. */
export async function logout({ options, terminal }: Call): Promise<void> {
  const file = configFile();
  const config = readConfig(file);
  const name = options.profile ?? readProfileName() ?? config.current;
  if (name === null || !Object.hasOwn(config.profiles, name)) throw noProfile(name, Object.keys(config.profiles));
  const { [name]: _removed, ...profiles } = config.profiles;
  writeConfig(file, { ...config, profiles, current: config.current === name ? null : config.current });
  terminal.result({ profile: name, removed: true }, () => `Removed the profile ${name} and its key.`);
  if (!terminal.isJson) terminal.note('The key itself is still valid. posthorn keys revoke revokes an account key.');
}

/** Prints the profiles, without their keys. */
export async function listProfiles({ terminal }: Call): Promise<void> {
  const { current, profiles } = readConfig(configFile());
  const data = Object.entries(profiles).map(([name, { url, account }]) => ({
    name,
    url,
    account,
    current: name === current,
  }));
  const text = () =>
    data.length === 0
      ? 'None. posthorn login makes one.'
      : table(
          data,
          [
            ['', (row) => (row.current ? '*' : ' ')],
            ['NAME', ({ name }) => name],
            ['ACCOUNT', ({ account }) => account],
            ['URL', ({ url }) => url],
          ],
          terminal.paint,
        );
  terminal.result({ data }, text);
}

export async function useProfile({ args: [name = ''], terminal }: Call): Promise<void> {
  const file = configFile();
  const config = readConfig(file);
  if (!Object.hasOwn(config.profiles, name)) throw noProfile(name, Object.keys(config.profiles));
  writeConfig(file, { ...config, current: name });
  terminal.result({ current: name }, () => `The current profile is ${name}.`);
}

function noProfile(name: string | null, known: string[]): PlainError {
  return new PlainError(name === null ? 'No profile is current.' : `No profile is named ${name}.`, {
    fix: known.length === 0 ? 'posthorn login makes one.' : `Choose one of: ${known.join(', ')}.`,
    exitCode: EXIT.notFound,
  });
}
