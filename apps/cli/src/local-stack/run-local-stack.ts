import {
  type Claim,
  claimDirectory,
  DirectoryInUse,
  endProcess,
  isAlive,
  markOf,
  type ProcessMark,
} from '@posthorn/embedded';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { commandPrefix, resolveDataDir, type StackSettings } from '../env.js';
import { signInUrl } from '../commands/sign-in.js';
import { createSignInLink } from '../api/create-sign-in-link.js';
import { connect } from '../api/open-api.js';
import type { Terminal } from '../output/terminal.js';
import { PlainError } from '../plain-error.js';
import { type LocalFile, removeLocalFile } from './local-file.js';
import { openSteps, type Step } from './progress.js';
import { showFirstDelivery } from './show-first-delivery.js';
import { startLocalStack } from './start-local-stack.js';
import { listenForStop } from './stop-signals.js';

/** Runs the local stack until a signal stops it. Then ends every part in order, and the process with exit code 0. If the start
 *  fails, stops what was started and throws an error with one sentence. */
export async function runLocalStack(
  settings: StackSettings,
  { watch, terminal }: { watch: boolean; terminal: Terminal },
): Promise<void> {
  // With --json, stdout has one document only.
  const out = terminal.isJson ? process.stderr : process.stdout;
  const say = (line: string) => void out.write(`${line}\n`);
  const step = openSteps(out);
  const dataDir = resolveDataDir(settings.dataDir);
  const claim = claimDataDir(dataDir);
  const undo: (() => unknown)[] = [() => claim.release()];
  const spawned: ProcessMark[] = [];
  process.on('exit', () => removeLocalFile(dataDir)); // on any exit, since it describes a running stack

  const signal = listenForStop(() => {
    for (const mark of spawned) if (isAlive(mark)) process.kill(mark.pid, 'SIGKILL');
    claim.release();
    process.exit(1); // Postgres and Redis end by their exit hooks
  });
  const onSpawn = (pid: number) => {
    spawned.push(...[markOf(pid)].filter((mark) => mark !== null));
    claim.record(spawned.map((mark) => mark.pid));
  };

  let failure: unknown = null;
  try {
    say('Posthorn, the local stack');
    await endLeftovers(claim, step);
    const local = await startLocalStack({ settings, dataDir, signal, undo, onSpawn, say, step, watch });
    say(whereThingsAre(local, settings, { dataDir, signIn: await signInLine(local) }));
    const { apiUrl, consoleUrl, boardUrl, demoUrl, queueBackend } = local;
    if (terminal.isJson) terminal.item({ apiUrl, consoleUrl, boardUrl, demoUrl, queueBackend, dataDir }, () => '');
    const outcome = await firstDelivery(local, settings, signal);
    if (!signal.aborted) {
      say(`  ${outcome}\n\nCtrl-C stops it.`);
      await once(signal, 'abort');
    }
  } catch (error) {
    if (!signal.aborted) failure = error;
  }
  if (failure === null) say('\nStopping …');
  for (const end of undo.toReversed()) await end();
  if (failure !== null) throw failure;
  say('Stopped.');
  process.exit(0); // signal handlers and open sockets must not delay the exit
}

function claimDataDir(dataDir: string): Claim {
  if (!existsSync(dataDir)) {
    mkdirSync(dataDir, { recursive: true });
    chmodSync(dataDir, 0o711); // when root starts it, Postgres runs as another user, who must be able to traverse it
  }
  try {
    return claimDirectory(dataDir);
  } catch (error) {
    if (!(error instanceof DirectoryInUse)) throw error;
    const advice = 'stop it first, or set POSTHORN_DATA_DIR to another folder.';
    throw new PlainError(`The local stack already runs in ${dataDir}, as process ${error.pid}: ${advice}`, {
      cause: error,
    });
  }
}

// After a SIGKILL of the stack its processes end automatically, but may hold their ports for a moment.
async function endLeftovers({ left }: Claim, step: Step): Promise<void> {
  const alive = left.filter(isAlive);
  if (alive.length === 0) return;
  const steps = [
    { signal: 'SIGTERM', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ] satisfies Parameters<typeof endProcess>[1];
  await step('Ending processes of the last run', () => Promise.all(alive.map((mark) => endProcess(mark, steps))));
}

function whereThingsAre(
  local: LocalFile,
  settings: StackSettings,
  { dataDir, signIn }: { dataDir: string; signIn: string },
): string {
  const folder = relative(process.cwd(), dataDir) || '.';
  const keyFile = join(folder.startsWith('..') ? dataDir : folder, 'operator-key');
  const key = settings.operatorKey === null ? `the operator key, in ${keyFile}` : 'POSTHORN_OPERATOR_KEY';
  return `
  Sign in     ${signIn}
  Console     ${local.consoleUrl}, sign in with that link or ${key}
  API         ${local.apiUrl}, its documentation ${local.apiUrl}/docs
  Bull Board  ${local.boardUrl}, sign in with the console or ${settings.boardPassword === null ? key : 'BOARD_PASSWORD'}
  Demo        ${local.demoUrl}
`;
}

/** Returns a sign-in link, or why none could be created: the stack also works without one. */
async function signInLine(local: LocalFile): Promise<string> {
  try {
    const { apiUrl, operatorKey } = local;
    const source = 'the local stack';
    const { token } = await createSignInLink(
      connect({ url: new URL(apiUrl), apiKey: operatorKey, account: null, source }),
    );
    return `${signInUrl(local.consoleUrl, token)}\n              works once, within 5 minutes; ${commandPrefix()} sign-in prints another`;
  } catch (error) {
    if (error instanceof PlainError) return error.message;
    throw error;
  }
}

async function firstDelivery(local: LocalFile, settings: StackSettings, signal: AbortSignal): Promise<string> {
  if (settings.workers === 0) return 'WORKERS is 0: nothing is delivered.';
  return showFirstDelivery(local.demoUrl, signal);
}
