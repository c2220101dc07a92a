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

/** The settings of the local stack, those of all its processes: a mistake in any of them is told before anything starts. */
export function readStackSettings(): StackSettings {
  return readEnv(process.env, settingNames, { localStack: true });
}

/** Names that begin with POSTHORN_ and that nothing reads. */
export function misspelledNames(): string[] {
  return unknownNames(process.env);
}

/** What `migrate` needs. Outside of the local stack DATABASE_URL must be set; inside it may be found in local.json. */
export function readMigrateSettings() {
  return readEnv(process.env, [...QUEUE_SETTINGS, 'POSTHORN_DATA_DIR', 'LOG_LEVEL'], { localStack: true });
}

export function readApiSettings() {
  return readEnv(process.env, ['API_HOST', 'API_PORT', 'POSTHORN_DATA_DIR'], { localStack: true });
}

/** The environment of a process of the local stack: ours, with the local stack's defaults where nothing is set, and with
 *  what the stack has chosen. */
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

/** True when npm runs us: then we end when npm does. */
export function isRunByNpm(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/** The folder of the local stack, as an absolute path. */
export function resolveDataDir(dataDir: string): string {
  return isAbsolute(dataDir) ? dataDir : resolve(join(process.cwd(), dataDir));
}
