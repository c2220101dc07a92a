import { chooseQueue } from '@posthorn/jobs/queue-tools';
import { readVersion } from '@posthorn/lifecycle';
import { chooseConnection, NOTHING_CHOSEN } from '../connection/choose-connection.js';
import { readConfig } from '../connection/config-file.js';
import { checkApi } from '../doctor/check-api.js';
import { checkDatabase } from '../doctor/check-database.js';
import { checkQueue } from '../doctor/check-queue.js';
import { type Check, failed, skipped } from '../doctor/check.js';
import { configFile, readConnectionSettings, readDoctorSettings, readSendingRules, resolveDataDir } from '../env.js';
import { readLocalFile } from '../local-stack/local-file.js';
import { printable } from '../output/printable.js';
import type { Paint } from '../output/terminal.js';
import { PlainError } from '../plain-error.js';
import type { Call } from './context.js';

const MARKS = { ok: '✓', warning: '!', failed: '✗', skipped: '–' } as const;
const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const;

/** Checks what Posthorn depends on, each with the fix. Uses the settings of this environment, as the processes do, and the local stack if
 *  one is running in this folder. Fails if a check failed. */
export async function doctor({ options, terminal }: Call<{ endpoint?: string[] }>): Promise<void> {
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

  terminal.result({ ok: checks.every(({ status }) => status !== 'failed'), checks }, () =>
    checks.map((check) => checkText(check, terminal.paint)).join('\n'),
  );
  const count = checks.filter(({ status }) => status === 'failed').length;
  if (count > 0) throw new PlainError(`${count} of ${checks.length} checks failed.`);
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
