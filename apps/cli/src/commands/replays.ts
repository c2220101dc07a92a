import { setTimeout as delay } from 'node:timers/promises';
import type { Replay, StartReplay } from '@posthorn/client';
import { readPages } from '../api/read-pages.js';
import type { Api } from '../api/open-api.js';
import { openProgressBar } from '../output/progress-bar.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';
import { type ListOptions, present, printList, printOne } from './print-resource.js';

interface StartOptions {
  which: 'failed' | 'missed';
  since?: string;
  until?: string;
  subscription?: string[];
  type?: string[];
  status?: string[];
  outcome?: string[];
  statusCode?: string[];
  event?: string;
  dryRun?: boolean;
  wait?: boolean;
  timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 10 * 60_000;
const POLL_MS = 500;

const replayFields = (of: Replay) =>
  [
    ['id', of.id],
    ['which', of.which],
    ['status', of.status],
    ['matched', `${of.matched}${of.more ? ' or more' : ''}`],
    ['queued', of.queued],
    ['delivered', of.delivered],
    ['failed', of.failed],
    ['pending', of.pending],
    ['since', of.since],
    ['until', of.until],
  ] as const;

/** Starts a replay. `--dry-run` only counts; `--wait` shows the progress until it has ended. Throws if a delivery failed, if it was
 *  canceled, and if it has not ended in time. */
export async function startReplay({ api, options, terminal }: ApiCall<StartOptions>): Promise<void> {
  const account = await api.account();
  const body = bodyOf(options);
  if (options.dryRun) {
    const preview = await api.client.replays.preview(account, body);
    return printOne(terminal, preview, (of) => [
      ['would send', `${of.matched}${of.more ? ' or more' : ''}`],
      ['subscriptions', of.subscriptionCount],
      ['since', of.since],
      ['until', of.until],
    ]);
  }
  const started = await api.client.replays.start(account, body);
  if (!options.wait) {
    printOne(terminal, started, replayFields);
    if (!terminal.isJson)
      terminal.note(`It runs in the background. posthorn replays get ${started.id} shows its progress.`);
    return;
  }
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const replay = await waitUntilEnded(api, account, { started, timeoutMs });
  printOne(terminal, replay, replayFields);
  const { id, status, endedAt, queued, pending, failed } = replay;
  if (failed > 0) throw new PlainError(`${failed} of ${queued} deliveries failed.`);
  if (status === 'canceled') {
    throw new PlainError(`The replay was canceled after it had queued ${queued} deliveries.`, {
      fix: 'Check that its subscriptions are active, then start another one.',
    });
  }
  if (endedAt === null) {
    throw new PlainError(`The replay has not ended after ${timeoutMs / 1000} s: ${pending} of ${queued} are pending.`, {
      fix: `It continues in the background: posthorn replays get ${id}. A paused subscription holds its deliveries.`,
    });
  }
}

export async function listReplays({ api, options, terminal }: ApiCall<ListOptions>): Promise<void> {
  const account = await api.account();
  const page = await readPages<Replay>(options, (at) => api.client.replays.list(account, at).page());
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['WHICH', ({ which }) => which],
    ['STATUS', ({ status }) => status],
    ['DELIVERED', ({ delivered, queued }) => `${delivered} of ${queued}`],
    ['FAILED', ({ failed }) => failed],
    ['CREATED', ({ createdAt }) => createdAt],
  ]);
}

export async function getReplay({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.replays.get(await api.account(), id), replayFields);
}

export async function cancelReplay({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.replays.cancel(await api.account(), id), replayFields);
}

/** Returns the replay when it has ended, or as it is after the time limit. */
async function waitUntilEnded(
  { client }: Api,
  account: string,
  { started, timeoutMs }: { started: Replay; timeoutMs: number },
): Promise<Replay> {
  const until = Date.now() + timeoutMs;
  const bar = openProgressBar('Replaying');
  try {
    for (let replay = started; ;) {
      bar.update(replay.delivered + replay.failed, Math.max(replay.matched, replay.queued));
      if (replay.endedAt !== null || Date.now() >= until) return replay;
      await delay(POLL_MS);
      replay = await client.replays.get(account, replay.id);
    }
  } finally {
    bar.end();
  }
}

function bodyOf(options: StartOptions): Omit<StartReplay, 'dryRun'> {
  const { which, since, until, event } = options;
  if (since === undefined && event === undefined) {
    throw new PlainError('A replay needs --since or --event.', {
      fix: 'For example: --since 2h, --since 2026-11-20T00:00:00Z',
      exitCode: EXIT.usage,
    });
  }
  return present({
    which,
    since,
    until,
    event,
    subscriptions: options.subscription,
    eventTypes: options.type,
    statuses: options.status as StartReplay['statuses'],
    outcomes: options.outcome as StartReplay['outcomes'],
    statusCodes: options.statusCode,
  });
}
