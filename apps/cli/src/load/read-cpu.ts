import { setTimeout as pause } from 'node:timers/promises';
import { appOf } from '../bundle/read-metrics.js';
import { reasonOf } from '../doctor/check.js';

/** The CPU of a process of Posthorn, by its `/metrics`. */
export interface CpuReading {
  url: string;
  /** `api`, `worker` … */
  app: string;
  /** Tells a restarted process, or another one behind the same balancer, from the first. */
  startedAt: number;
  cpuSeconds: number;
}

export interface CpuCost {
  url: string;
  app: string;
  /** All CPU of the process meanwhile, divided by the deliveries. */
  usPerDelivery: number;
  /** How many deliveries per second one such process makes at this cost while its thread is 60 % busy. */
  perSecond: number;
}

const WITHIN_MS = 10_000;
const BUSY_SHARE = 0.6;
/** Processes repeat the response of `/metrics` for a second. */
const CACHED_MS = 1_100;

/** Returns the readings of all CPU until now. For a process without one, a sentence that says why. */
export async function readCpus(urls: readonly string[]): Promise<(CpuReading | string)[]> {
  await pause(CACHED_MS);
  return Promise.all(urls.map(readCpu));
}

async function readCpu(url: string): Promise<CpuReading | string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(WITHIN_MS), redirect: 'manual' });
    if (!response.ok) return `${url} returned status ${response.status}.`;
    return parseCpu(url, await response.text());
  } catch (error) {
    return `${url} does not respond (${reasonOf((error as Error).cause ?? error)}).`;
  }
}

export function parseCpu(url: string, text: string): CpuReading | string {
  const numberOf = (name: string) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1]);
  const cpuSeconds = numberOf('process_cpu_seconds_total');
  const startedAt = numberOf('process_start_time_seconds');
  if (Number.isNaN(cpuSeconds) || Number.isNaN(startedAt)) return `${url} has no CPU time of a process.`;
  return { url, app: appOf(text) ?? 'process', startedAt, cpuSeconds };
}

/** Compares two readings of one URL. Returns a sentence if they are of different processes. */
export function costOf(before: CpuReading | string, after: CpuReading | string, deliveries: number): CpuCost | string {
  if (typeof before === 'string') return before;
  if (typeof after === 'string') return after;
  if (before.startedAt !== after.startedAt) {
    return `${before.url} is not always the same process: name the URL of a single process with --metrics.`;
  }
  if (deliveries === 0) return 'Nothing was delivered.';
  const usPerDelivery = ((after.cpuSeconds - before.cpuSeconds) * 1_000_000) / deliveries;
  const perSecond = usPerDelivery === 0 ? 0 : Math.round((BUSY_SHARE * 1_000_000) / usPerDelivery);
  return { url: before.url, app: before.app, usPerDelivery: Math.round(usPerDelivery), perSecond };
}
