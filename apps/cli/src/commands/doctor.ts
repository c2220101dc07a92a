import { writeFileSync } from 'node:fs';
import { chooseQueue, type QueueConnection } from '@posthorn/jobs/queue-tools';
import { readVersion } from '@posthorn/lifecycle';
import type { Api } from '../api/open-api.js';
import { partsOfUrl } from '../bundle/open-mask.js';
import { chooseConnection, NOTHING_CHOSEN } from '../connection/choose-connection.js';
import { readConfig } from '../connection/config-file.js';
import { checkApi } from '../doctor/check-api.js';
import { checkDatabase } from '../doctor/check-database.js';
import { checkQueue } from '../doctor/check-queue.js';
import { type Check, failed, skipped } from '../doctor/check.js';
import {
  configFile,
  readBundleEnvironment,
  readConnectionSettings,
  readDoctorSettings,
  readSendingRules,
  resolveDataDir,
} from '../env.js';
import { type LocalFile, readLocalFile } from '../local-stack/local-file.js';
import { printable } from '../output/printable.js';
import type { Paint } from '../output/terminal.js';
import { PlainError } from '../plain-error.js';
import type { Call } from './context.js';

const MARKS = { ok: '✓', warning: '!', failed: '✗', skipped: '–' } as const;
const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const;

interface DoctorOptions {
  endpoint?: string[];
  /** true: a new file in the current folder. */
  bundle?: string | true;
  metrics?: string[];
  log?: string[];
}

/** Checks what Posthorn depends on, each with the fix. Uses the settings of this environment, as the processes do, and the local stack if
 *  one is running in this folder. Fails if a check failed. */
export async function doctor({ options, terminal }: Call<DoctorOptions>): Promise<void> {
  const settings = readDoctorSettings();
  const local = readLocalFile(resolveDataDir(settings.dataDir));
  const databaseUrl = settings.databaseUrl ?? local?.databaseUrl ?? null;
  const usesLocal = local !== null && databaseUrl === local.databaseUrl;
  const rules = readSendingRules({ isLocalStack: usesLocal });

  const queue = usesLocal
    ? local.redisUrl === null
      ? chooseQueue({ ...settings, databaseUrl })
      : chooseQueue({ ...settings, redisUrl: local.redisUrl })
    : databaseUrl === null &&
        settings.redisUrl === null &&
        settings.redisClusterNodes.length + settings.redisSentinels.length === 0
      ? null
      : chooseQueue(settings);
  const parts = await Promise.all([
    checkApiOfConnection(options),
    checkDatabase({ url: databaseUrl, directUrl: settings.databaseDirectUrl, readUrl: settings.databaseReadUrl }),
    checkQueue(queue),
    checkEndpoints(options.endpoint ?? [], rules),
  ]);
  const checks = parts.flat();
  const bundle =
    options.bundle === undefined
      ? null
      : await writeBundle({
          options,
          terminal,
          checks,
          local,
          databaseUrl,
          directUrl: settings.databaseDirectUrl,
          queue,
        });

  terminal.result(
    { ok: checks.every(({ status }) => status !== 'failed'), checks, ...(bundle !== null && { bundle }) },
    () => checks.map((check) => checkText(check, terminal.paint)).join('\n'),
  );
  const count = checks.filter(({ status }) => status === 'failed').length;
  if (count > 0) throw new PlainError(`${count} of ${checks.length} checks failed.`);
}

interface ForBundle extends Pick<Call<DoctorOptions>, 'options' | 'terminal'> {
  checks: Check[];
  local: LocalFile | null;
  databaseUrl: string | null;
  directUrl: string | null;
  queue: QueueConnection | string | null;
}

/** Says what a support bundle has, and writes it to a new file that only its owner can read. Returns the file. Throws if the file exists. */
async function writeBundle(given: ForBundle): Promise<string> {
  const { options, terminal, checks, local, databaseUrl, directUrl, queue } = given;
  const { collectBundle, CONTENTS } = await import('../bundle/collect-bundle.js'); // only for bundles
  const now = new Date();
  const name = `posthorn-bundle-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}.json`;
  const file = typeof options.bundle === 'string' ? options.bundle : name;
  terminal.note(CONTENTS);
  const api = await apiOfConnection(options);
  const bundle = await collectBundle({
    version: readVersion(new URL('../../package.json', import.meta.url)),
    env: readBundleEnvironment(),
    checks,
    api: api && { client: api.client, url: api.connection.url },
    databaseUrl,
    directUrl,
    queue: typeof queue === 'string' ? null : queue,
    hidden: [api?.connection.apiKey, local?.operatorKey, databaseUrl, local?.redisUrl]
      .filter((one) => typeof one === 'string')
      .flatMap((one) => [one, ...partsOfUrl(one)]),
    metricsUrls: options.metrics ?? [],
    logFiles: options.log ?? [],
    now,
  });
  try {
    writeFileSync(file, `${JSON.stringify(bundle, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new PlainError(`${file} cannot be written (${code}).`, {
      fix: 'Give another file: --bundle <file>.',
      cause: error,
    });
  }
  terminal.note(`Wrote ${file}. Read it before you send it to someone.`);
  return file;
}

/** null: nothing chooses an API, or not in a way that works, which the checks explain. */
async function apiOfConnection(flags: Call['options']): Promise<Api | null> {
  const { openApi } = await import('../api/open-api.js'); // the client takes time to load
  try {
    return openApi(flags);
  } catch (error) {
    if (error instanceof PlainError) return null;
    throw error;
  }
}

async function checkEndpoints(urls: string[], rules: ReturnType<typeof readSendingRules>): Promise<Check[]> {
  if (urls.length === 0) return [];
  const { checkEndpoint } = await import('../doctor/check-endpoint.js'); // slow to load
  const version = readVersion(new URL('../../package.json', import.meta.url));
  return Promise.all(urls.map((url) => checkEndpoint(url, rules, version)));
}

async function checkApiOfConnection(flags: Call['options']): Promise<Check[]> {
  const { dataDir, ...env } = readConnectionSettings();
  try {
    const local = readLocalFile(resolveDataDir(dataDir));
    return await checkApi(chooseConnection({ flags, env, local, config: readConfig(configFile()) }).url);
  } catch (error) {
    if (!(error instanceof PlainError)) throw error;
    const { message, fix, fields } = error;
    if (fields['code'] === NOTHING_CHOSEN) return [skipped('API', message)];
    return [failed('API', message, fix ?? 'Correct the option or the variable.')];
  }
}

function checkText({ name, status, detail, fix }: Check, paint: Paint): string {
  const line = `${paint(STYLES[status], MARKS[status])} ${name}: ${printable(detail)}`;
  return fix === null ? line : `${line}\n    fix: ${printable(fix)}`;
}
