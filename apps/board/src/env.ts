import { chooseQueue, type QueueConnection } from '@posthorn/jobs';
import { QUEUE_SETTINGS, readEnv, SettingsError } from '@posthorn/settings';

export type BoardEnv = {
  host: string;
  port: number;
  password: string;
  /** Checks the tickets of links that the API makes; null: only the password signs in. */
  operatorKey: string | null;
  readOnly: boolean;
  queue: QueueConnection;
  /** URL of the API in an operator's browser, for links; null: no links. */
  apiUrl: string | null;
  trustedProxies: string[];
  shutdownTimeoutMs: number;
  logLevel: string;
};

/** The board's settings. Throws one SettingsError with every problem.
 *  Reads every setting as the local stack does, since the board needs one of two databases and one of two passwords, which
 *  `required` cannot express. */
export function readBoardEnv(env: NodeJS.ProcessEnv): BoardEnv {
  const found = readEnv(
    env,
    [
      'BOARD_HOST',
      'BOARD_PORT',
      'BOARD_PASSWORD',
      'BOARD_READ_ONLY',
      'POSTHORN_OPERATOR_KEY',
      'POSTHORN_API_URL',
      'TRUSTED_PROXIES',
      ...QUEUE_SETTINGS,
      'SHUTDOWN_TIMEOUT_MS',
      'LOG_LEVEL',
    ],
    { localStack: true },
  );
  const password = found.boardPassword ?? found.operatorKey;
  const queue = chooseQueue(found);
  if (password === null || typeof queue === 'string') {
    const problems = [password === null && NO_PASSWORD, typeof queue === 'string' && queue];
    throw new SettingsError(problems.filter((problem) => problem !== false));
  }
  return {
    host: found.boardHost,
    port: found.boardPort,
    password,
    operatorKey: found.operatorKey,
    readOnly: found.boardReadOnly,
    queue,
    apiUrl: found.apiUrl?.replace(/\/+$/, '') ?? null,
    trustedProxies: found.trustedProxies,
    shutdownTimeoutMs: found.shutdownTimeoutMs,
    logLevel: found.logLevel,
  };
}

const NO_PASSWORD = 'BOARD_PASSWORD or POSTHORN_OPERATOR_KEY is required: the board never runs without a login.';
