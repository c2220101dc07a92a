import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  type LocalSettings,
  QUEUE_SETTINGS,
  readEnv,
  type SettingName,
  settingNames,
  settings,
  unknownNames,
} from '@posthorn/settings';

// The only file of the CLI that reads the environment.

export type StackSettings = LocalSettings<SettingName>;

/** The settings of all processes of the local stack, so that mistakes are reported before anything starts. */
export function readStackSettings(): StackSettings {
  return readEnv(process.env, settingNames, { localStack: true });
}

/** Returns names in the environment that begin with POSTHORN_ but are not settings. */
export function misspelledNames(): string[] {
  return unknownNames(process.env);
}

/** The settings of `migrate`. DATABASE_URL is required unless local.json of a local stack has it. */
export function readMigrateSettings() {
  return readEnv(process.env, [...QUEUE_SETTINGS, 'POSTHORN_DATA_DIR', 'LOG_LEVEL'], { localStack: true });
}

/** Where each process listens, for its health check. */
export function readHealthSettings() {
  return readEnv(process.env, [
    'API_HOST',
    'API_PORT',
    'WORKER_HEALTH_HOST',
    'WORKER_HEALTH_PORT',
    'BOARD_HOST',
    'BOARD_PORT',
    'POSTHORN_DATA_DIR',
  ]);
}

export function readProfileName(): string | null {
  return readEnv(process.env, ['POSTHORN_PROFILE']).profile;
}

/** The settings of the commands that call the API. */
export function readConnectionSettings() {
  return readEnv(process.env, [
    'POSTHORN_URL',
    'POSTHORN_API_KEY',
    'POSTHORN_PROFILE',
    'POSTHORN_ACCOUNT',
    'POSTHORN_DATA_DIR',
  ]);
}

/** The settings of `sign-in`: POSTHORN_API_URL and POSTHORN_OPERATOR_KEY, if both are set, replace POSTHORN_URL and POSTHORN_API_KEY. */
export function readSignInSettings() {
  const { apiUrl, operatorKey } = readEnv(process.env, ['POSTHORN_API_URL', 'POSTHORN_OPERATOR_KEY'], {
    localStack: true,
  });
  const connection = readConnectionSettings();
  if (apiUrl === null || operatorKey === null) return connection;
  const names = { url: 'POSTHORN_API_URL', apiKey: 'POSTHORN_OPERATOR_KEY' };
  return { ...connection, url: apiUrl, apiKey: operatorKey, names };
}

/** The servers that `doctor` checks. A local stack of this folder has those that are not set. */
export function readDoctorSettings() {
  return readEnv(process.env, [...QUEUE_SETTINGS, 'DATABASE_READ_URL', 'POSTHORN_DATA_DIR'], { localStack: true });
}

/** The environment for a support bundle, which masks it. */
export const readBundleEnvironment = (): NodeJS.ProcessEnv => process.env;

/** The rules by which workers send: those of a server, or those of a local stack. */
export function readSendingRules({ isLocalStack }: { isLocalStack: boolean }) {
  const names = [
    'ALLOW_PRIVATE_NETWORKS',
    'DENY_NETWORKS',
    'EXTRA_CA_CERTS',
    'REQUIRE_HTTPS',
    'PUBLIC_URL',
    'DELIVERY_TIMEOUT_MS',
  ] as const;
  return isLocalStack ? readEnv(process.env, names, { localStack: true }) : readEnv(process.env, names);
}

/** The file with the profiles of `login`, in the user's configuration folder. The specification of XDG ignores relative paths. */
export function configFile(): string {
  const { XDG_CONFIG_HOME: configHome } = process.env;
  const folder = configHome !== undefined && isAbsolute(configHome) ? configHome : join(homedir(), '.config');
  return join(folder, 'posthorn', 'config.json');
}

/** Whether the environment allows colours (no-color.org). */
export function allowsColour(): boolean {
  return !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

/** The environment of a process of the local stack: ours, the local stack's defaults for unset settings, and the stack's own
 *  choices. */
export function childEnvironment(chosen: Partial<Record<SettingName, string>>): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const [name, setting] of Object.entries(settings)) {
    if ('localStack' in setting && setting.localStack !== null && !env[name]) env[name] = setting.localStack;
  }
  for (const [name, value] of Object.entries(chosen)) {
    env[name] = value;
    delete env[`${name}_FILE`]; // both forms set is an error
  }
  return env;
}

/** Whether npm runs this process, which then ends with npm. */
export function isRunByNpm(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/** How a person runs another command of this installation: in a clone, by npx, or by an installed command. */
export function commandPrefix(): string {
  const event = process.env['npm_lifecycle_event'];
  if (event === 'start' || event === 'dev') return 'npm run';
  return event === 'npx' ? 'npx posthorn' : 'posthorn';
}

/** The folder of the local stack, as an absolute path. */
export function resolveDataDir(dataDir: string): string {
  return isAbsolute(dataDir) ? dataDir : resolve(join(process.cwd(), dataDir));
}
