import { readFileSync } from 'node:fs';
import { QUEUE_SETTINGS, type SettingName, settings, TELEMETRY_SETTINGS } from './settings.js';

/** What a deployment runs: `migrate` is a command of the CLI. */
export type ProcessName = 'api' | 'worker' | 'board' | 'migrate';

/** The settings that a process reads, according to its env.ts. Works only in a clone. */
export function namesReadBy(process: ProcessName): SettingName[] {
  const app = process === 'migrate' ? 'cli' : process;
  const source = readFileSync(new URL(`../../../apps/${app}/src/env.ts`, import.meta.url), 'utf8');
  const ownReader = process === 'migrate' ? (/function readMigrateSettings[^]*?\n\}/.exec(source)?.[0] ?? '') : source;
  const quoted = (names: readonly SettingName[]) => names.map((setting) => `'${setting}'`).join();
  const reader = ownReader
    .replace('...QUEUE_SETTINGS', quoted(QUEUE_SETTINGS))
    .replace('...TELEMETRY_SETTINGS', quoted(TELEMETRY_SETTINGS));
  return [...new Set([...reader.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map(([, found = '']) => found))].filter(isSetting);
}

const isSetting = (name: string): name is SettingName => Object.hasOwn(settings, name);
