import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnv, SettingsError } from '@posthorn/settings';

export type DemoEnv = {
  host: string;
  port: number;
  apiUrl: string;
  operatorKey: string;
  /** The URL of Bull Board. Read again for every page, because the local stack may still be starting. */
  findBoardUrl: () => string | null;
  shutdownTimeoutMs: number;
  logLevel: string;
};

/** The demo's settings. Unset ones come from the running local stack. Throws a SettingsError if one is missing. */
export function readDemoEnv(env: NodeJS.ProcessEnv): DemoEnv {
  const found = readEnv(
    env,
    [
      'DEMO_HOST',
      'DEMO_PORT',
      'POSTHORN_API_URL',
      'POSTHORN_OPERATOR_KEY',
      'POSTHORN_DATA_DIR',
      'BOARD_PORT',
      'SHUTDOWN_TIMEOUT_MS',
      'LOG_LEVEL',
    ],
    { localStack: true },
  );
  const local = readLocalStack(found.dataDir);
  const apiUrl = found.apiUrl ?? local.apiUrl;
  const operatorKey = found.operatorKey ?? local.operatorKey;
  if (apiUrl === null || operatorKey === null) {
    const unset = [apiUrl === null && 'POSTHORN_API_URL', operatorKey === null && 'POSTHORN_OPERATOR_KEY'].filter(
      Boolean,
    );
    throw new SettingsError(unset.map((name) => `${String(name)} is required, because no local stack is running.`));
  }
  return {
    host: found.demoHost,
    port: found.demoPort,
    apiUrl: apiUrl.replace(/\/+$/, ''),
    operatorKey,
    findBoardUrl: () =>
      readLocalStack(found.dataDir).boardUrl ?? (found.boardPort === 0 ? null : `http://127.0.0.1:${found.boardPort}`),
    shutdownTimeoutMs: found.shutdownTimeoutMs,
    logLevel: found.logLevel,
  };
}

type LocalStack = { apiUrl: string | null; operatorKey: string | null; boardUrl: string | null };

/** `local.json` exists only while a local stack is running. */
function readLocalStack(dataDir: string): LocalStack {
  const read = (): unknown => {
    try {
      return JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8'));
    } catch {
      return null;
    }
  };
  const found = read();
  const text = (key: keyof LocalStack): string | null => {
    const value: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, key) : null;
    return typeof value === 'string' ? value : null;
  };
  return { apiUrl: text('apiUrl'), operatorKey: text('operatorKey'), boardUrl: text('boardUrl') };
}
