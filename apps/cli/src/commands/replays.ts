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
}

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

/** Starts a replay. `--dry-run` only counts; `--wait` shows the progress until it has ended, and fails if a delivery failed. */
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
  const ended = await waitUntilEnded(api, account, started);
  printOne(terminal, ended, replayFields);
  if (ended.failed > 0) throw new PlainError(`${ended.failed} of ${ended.queued} deliveries failed.`);
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

async function waitUntilEnded({ client }: Api, account: string, started: Replay): Promise<Replay> {
  const bar = openProgressBar('Replaying');
  try {
    for (let replay = started; ;) {
      bar.update(replay.delivered + replay.failed, Math.max(replay.matched, replay.queued));
      if (replay.endedAt !== null) return replay;
      await delay(500);
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
