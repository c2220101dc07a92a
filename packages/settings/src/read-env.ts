import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type Setting, type SettingName, settings } from './settings.js';

type Catalogue = typeof settings;

/** DATABASE_URL → databaseUrl. Without the prefix: POSTHORN_DATA_DIR → dataDir. */
type Camel<Name extends string> = Name extends `POSTHORN_${infer Rest}` ? Camel<Rest> : Uncapitalize<Pascal<Name>>;
type Pascal<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Capitalize<Lowercase<Head>>}${Pascal<Tail>}`
  : Capitalize<Lowercase<Name>>;

type ValueOf<S extends Setting> = S extends { required: true } | { default: string }
  ? z.output<S['schema']>
  : z.output<S['schema']> | null;
type LocalValueOf<S extends Setting> = S extends { localStack: null } ? z.output<S['schema']> | null : ValueOf<S>;

export type Settings<Name extends SettingName> = { [N in Name as Camel<N>]: ValueOf<Catalogue[N]> };
export type LocalSettings<Name extends SettingName> = { [N in Name as Camel<N>]: LocalValueOf<Catalogue[N]> };

/** The environment is incomplete or invalid. The message lists every problem on its own line and contains no value. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`Invalid settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Returns the named settings, validated and parsed, under camelCase keys without the prefix: `DATABASE_URL` is `databaseUrl`,
 * `POSTHORN_OPERATOR_KEY` is `operatorKey`. An unset setting without a default is null. An empty variable counts as unset.
 *
 * `localStack: true` uses the local stack's defaults and allows settings to be unset that the local stack creates.
 * Throws one SettingsError with all problems. Reads the files that `<NAME>_FILE` variables name.
 */
export function readEnv<const Name extends SettingName>(env: NodeJS.ProcessEnv, names: readonly Name[]): Settings<Name>;
export function readEnv<const Name extends SettingName>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
  options: { localStack: true },
): LocalSettings<Name>;
export function readEnv(
  env: NodeJS.ProcessEnv,
  names: readonly SettingName[],
  options?: { localStack: true },
): unknown {
  const problems: string[] = [];
  const shaped: Record<string, unknown> = {};
  for (const name of names) {
    const result = readOne(env, name, options?.localStack ?? false);
    if ('problems' in result) problems.push(...result.problems.map((problem) => `${name} ${problem}`));
    else shaped[camelCase(name)] = result.value;
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return shaped;
}

function readOne(
  env: NodeJS.ProcessEnv,
  name: SettingName,
  localStack: boolean,
): { value: unknown } | { problems: string[] } {
  const setting: Setting = settings[name];
  const found = rawValue(env, name, setting);
  if (typeof found === 'object' && found !== null) return { problems: [found.problem] };
  const fallback = localStack && setting.localStack !== undefined ? setting.localStack : setting.default;
  const raw = found ?? fallback;
  if (raw === null) {
    const mayBeUnset = !setting.required || (localStack && setting.localStack === null);
    return mayBeUnset ? { value: null } : { problems: [`is required. ${setting.description}`] };
  }
  const parsed = setting.schema.safeParse(raw);
  if (parsed.success) return { value: parsed.data };
  // Report one problem per variable: twelve bad entries of a list have one cause.
  return { problems: [...new Set(parsed.error.issues.map((issue) => issue.message))].slice(0, 1) };
}

function rawValue(env: NodeJS.ProcessEnv, name: string, setting: Setting): string | null | { problem: string } {
  const value = env[name] || null;
  const file = (setting.secret && env[`${name}_FILE`]) || null;
  if (file === null) return value;
  if (value !== null) return { problem: `and ${name}_FILE are both set: keep one` };
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '') || null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { problem: `cannot be read from the file that ${name}_FILE names: ${code}` };
  }
}

/** Returns variables that start with POSTHORN_ but are not settings, probably typos. For a warning at boot. */
export function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(
    Object.entries<Setting>(settings).flatMap(([name, { secret }]) => (secret ? [name, `${name}_FILE`] : [name])),
  );
  return Object.keys(env).filter((name) => name.startsWith('POSTHORN_') && !known.has(name));
}

const camelCase = (name: string): string =>
  name
    .replace(/^POSTHORN_/, '')
    .toLowerCase()
    .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
