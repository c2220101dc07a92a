import { toRequestTimeout } from '../input/read-values.js';
import { EXIT, PlainError } from '../plain-error.js';
import { InvalidArgumentError } from 'commander';

// Bounds of a load test. A mistyped number must not overload an installation or fill its disk.
const MAX_RATE = 2_000; // events/s; one process publishes and receives
const MAX_SECONDS = 600;
const MAX_SUBSCRIPTIONS = 50; // an account may start 60 verifications per minute
const MAX_PAYLOAD_BYTES = 65_536;
const MIN_PAYLOAD_BYTES = 32; // the number of the event
const MAX_DELIVERIES = 1_000_000; // each costs about 100 bytes of this process, and a row of Postgres until the end
const MAX_BACKLOG = 100_000;

export interface LoadOptions {
  rate?: number;
  seconds?: number;
  subscriptions?: number;
  payloadBytes?: number;
  maxBacklog?: number;
  drain?: number;
  eventType?: string;
  sinkUrl?: string;
  sinkListen?: ListenAddress;
  metrics?: string[];
  yes?: boolean;
}

export interface Plan {
  /** Events per second. */
  rate: number;
  seconds: number;
  subscriptions: number;
  payloadBytes: number;
  /** Deliveries that may be accepted and not received. */
  maxBacklog: number;
  drainMs: number;
  eventType: string;
}

export interface ListenAddress {
  host: string;
  /** 0: any free port. */
  port: number;
}

const within = (least: number, most: number) => (text: string) => {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new InvalidArgumentError(`Enter a whole number from ${least} to ${most.toLocaleString('en')}.`);
};

export const toRate = within(1, MAX_RATE);
export const toSeconds = within(1, MAX_SECONDS);
export const toSubscriptions = within(1, MAX_SUBSCRIPTIONS);
export const toPayloadBytes = within(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
export const toMaxBacklog = within(1, MAX_BACKLOG);

/** At most ten minutes. Returns milliseconds. */
export function toDrain(text: string): number {
  const drainMs = toRequestTimeout(text);
  if (drainMs <= 600_000) return drainMs;
  throw new InvalidArgumentError('Enter a duration from 1s to 10m.');
}

/** `0.0.0.0:8099` or `[::1]:8099`. */
export function toListenAddress(text: string): ListenAddress {
  const [, host = '', port = ''] = /^(\[[\da-f:]+\]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new InvalidArgumentError('Enter an address and a port such as 0.0.0.0:8099.');
}

/** Fills in the defaults. Throws if the options together make more deliveries than a test may. */
export function planOf(options: LoadOptions): Plan {
  const { rate = 50, seconds = 30, subscriptions = 1, payloadBytes = 1_024, maxBacklog = 10_000 } = options;
  const deliveries = rate * seconds * subscriptions;
  if (deliveries <= MAX_DELIVERIES) {
    const { drain = 60_000, eventType = 'message:created' } = options;
    return { rate, seconds, subscriptions, payloadBytes, maxBacklog, drainMs: drain, eventType };
  }
  throw new PlainError(
    `${rate} events/s × ${seconds} s × ${subscriptions} subscriptions are ${deliveries.toLocaleString('en')} deliveries; a test may make ${MAX_DELIVERIES.toLocaleString('en')}.`,
    { fix: 'Lower --rate, --seconds or --subscriptions.', exitCode: EXIT.usage },
  );
}
