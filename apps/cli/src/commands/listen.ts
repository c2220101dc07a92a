import { readVersion } from '@posthorn/lifecycle';
import type { FollowedEvent } from '@posthorn/client';
import type { PostResult } from '@posthorn/sender';
import { configFile } from '../env.js';
import { toTarget } from '../listen/forward-target.js';
import { listenSecret } from '../listen/listen-secret.js';
import { readKeys } from '../listen/read-keys.js';
import { printable } from '../output/printable.js';
import type { Terminal } from '../output/terminal.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';
import { untilStopped } from './until-stopped.js';

interface ListenOptions {
  forward?: string;
  events?: string[];
  header?: Record<string, string>;
  handshake?: boolean;
  printSecret?: boolean;
  allowRemote?: boolean;
  timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000; // DELIVERY_TIMEOUT_MS of workers

type Event = Pick<FollowedEvent, 'id' | 'event' | 'body'>;

/** Forwards each event of an account to a local URL, signed, until Ctrl-C. It needs no tunnel: this process connects to Posthorn. It
 *  makes no subscription, so nothing is recorded and nothing is repeated automatically; the key `r` sends the last event again. */
export async function listen({ api, args: [given], options, terminal }: ApiCall<ListenOptions>): Promise<void> {
  const { allowRemote = false } = options;
  const account = await api.account();
  const secret = listenSecret(configFile(), api.connection, account);
  if (options.printSecret) return terminal.result({ secret }, () => secret);
  const target = toTarget(targetOf(given, options.forward), { allowRemote });
  const { signal, stop, release } = untilStopped();
  const { openForwarder } = await import('../listen/open-forwarder.js'); // slow to load
  const forwarder = openForwarder({
    target,
    secret,
    headers: options.header ?? {},
    timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS,
    allowRemote,
    version: readVersion(new URL('../../package.json', import.meta.url)),
    signal,
  });

  let last: { event: Event; attempts: number } | null = null;
  let queue = Promise.resolve();
  const inOrder = (what: string, work: () => Promise<void>) => {
    queue = after(queue, work).catch((error: unknown) => terminal.note(`${what} failed: ${reasonOf(error)}`));
  };
  const send = (event: Event) => {
    const attempt = last?.event.id === event.id ? last.attempts + 1 : 1;
    last = { event, attempts: attempt };
    inOrder(`Forwarding ${event.id}`, async () => {
      if (!signal.aborted) printRequest(terminal, { event, attempt, result: await forwarder.forward(event) });
    });
  };
  const endKeys = readKeys((key) => {
    if (key === 'r' && last) send(last.event);
    else if (key === 'r') terminal.note('No event to send again yet.');
    else if (key === 'q' || key === 'ctrl-c' || key === 'ctrl-d') stop();
  });

  try {
    let hasOpened = false;
    const onOpen = () => {
      if (hasOpened) return terminal.note('Reconnected.');
      hasOpened = true;
      inOrder('The handshake', async () => {
        announce(terminal, { target, secret, account, hasKeys: endKeys !== null });
        if (options.handshake !== false) printHandshake(terminal, await forwarder.handshake());
      });
    };
    const onLost = () => terminal.note('The connection was lost. Reconnecting; events are not lost …');
    for await (const item of api.client.events.follow(account, { events: options.events, signal, onOpen, onLost })) {
      if (item.type === 'event') send(item.event);
      else terminal.note(`Skipped ${item.count ?? 'some'} events: too many at once. posthorn events list prints all.`);
    }
    await queue;
  } finally {
    endKeys?.();
    release();
    await forwarder.close();
  }
}

async function after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
  await before;
  await work();
}

const reasonOf = (error: unknown): string => printable(error instanceof Error ? error.message : String(error));

function targetOf(given: string | undefined, forward: string | undefined): string {
  const target = forward ?? given;
  if (target !== undefined && (forward === undefined || given === undefined)) return target;
  throw new PlainError(target === undefined ? 'Where to forward to is missing.' : 'Give the target once.', {
    fix: 'For example: posthorn listen --forward http://localhost:3000/webhook',
    exitCode: EXIT.usage,
  });
}

function announce(
  terminal: Terminal,
  { target, secret, account, hasKeys }: { target: URL; secret: string; account: string; hasKeys: boolean },
): void {
  terminal.note(`Ready. Forwarding the events of ${account} to ${target.href}`);
  terminal.note(`Signing secret: ${secret}`);
  terminal.note(hasKeys ? 'Press r to send the last event again, q to quit.' : 'Ctrl-C ends it.');
}

function printHandshake(terminal: Terminal, problem: string | null): void {
  if (problem === null) return terminal.note('Handshake: your endpoint passes it.');
  terminal.note(`Handshake: your endpoint does not pass it. ${printable(problem)}`);
  terminal.note('listen needs no handshake and continues. A webhook gets events only after its URL has passed it.');
}

/** One line per request: time, status, duration, event. */
function printRequest(
  terminal: Terminal,
  { event, attempt, result }: { event: Event; attempt: number; result: PostResult },
): void {
  const { outcome, statusCode, durationMs, error, startedAt } = result;
  const value = {
    eventId: event.id,
    event: event.event,
    attempt,
    outcome,
    statusCode,
    durationMs,
    error,
    startedAt: startedAt.toISOString(),
  };
  terminal.item(value, () =>
    [
      startedAt.toLocaleTimeString('en-GB'),
      terminal.paint(outcome === 'ok' ? 'green' : 'red', String(statusCode ?? outcome).padEnd(4)),
      `${durationMs} ms`.padStart(8),
      printable(event.event),
      event.id,
      ...(attempt > 1 ? [`attempt ${attempt}`] : []),
      ...(error === null ? [] : [terminal.paint('dim', printable(error))]),
    ].join('  '),
  );
}
