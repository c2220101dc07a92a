import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type Setting, type SettingName, settings } from './settings.js';

type Catalogue = typeof settings;

/** DATABASE_URL → databaseUrl; the prefix goes: POSTHORN_DATA_DIR → dataDir. */
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

/** The environment does not hold what it must. Its message lists every problem, one a line, and no value. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * The named settings, checked and shaped, under camelCase keys: `DATABASE_URL` is `databaseUrl`, and the prefix goes,
 * so `POSTHORN_OPERATOR_KEY` is `operatorKey`. What is off is null. An empty variable counts as unset.
 *
 * With `localStack: true` the local stack's defaults hold, and what it makes by itself may be unset.
 * Throws one SettingsError that lists all problems. Reads the files that `<NAME>_FILE` variables name.
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
  // One text per variable is enough: a list of twelve bad entries has one cause.
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

/** Variables that begin with POSTHORN_ and mean nothing to us: typos, most likely. For a warning at boot. */
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
