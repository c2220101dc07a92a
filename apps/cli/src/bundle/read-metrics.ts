import { reasonOf } from '../doctor/check.js';

/** Metrics of a process, by name with labels. */
export interface ProcessMetrics {
  /** Such as `api`; null: it did not respond. */
  app: string | null;
  /** Why the metrics could not be read. null: they were. */
  problem: string | null;
  values: Record<string, number>;
}

const WITHIN_MS = 10_000;
/** Those of Posthorn, of Node and of the process. Buckets of histograms are left out, since they are most of the text. */
const LINE = /^((?:posthorn|process|nodejs)_\w+(?:\{[^\n]*\})?) (\S+)$/gm;

/** Reads `/metrics`. Labels have no values that customers choose, and host names in them are masked like all of the bundle. */
export async function readMetrics(url: string): Promise<ProcessMetrics> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(WITHIN_MS), redirect: 'manual' });
    if (!response.ok) return none(`status ${response.status}`);
    return parseMetrics(await response.text());
  } catch (error) {
    return none(reasonOf((error as Error).cause ?? error));
  }
}

/** Returns which app has these metrics; null: unknown. */
export function appOf(text: string): string | null {
  const named = /^posthorn_build_info\{[^}]*app="(\w+)"/m.exec(text)?.[1];
  return named ?? (/^posthorn_worker_/m.test(text) ? 'worker' : null);
}

export function parseMetrics(text: string): ProcessMetrics {
  const values: Record<string, number> = {};
  for (const [, name = '', value] of text.matchAll(LINE))
    if (!/_bucket\{/.test(name) && Number.isFinite(Number(value))) values[name] = Number(value);
  return { app: appOf(text), problem: null, values };
}

const none = (problem: string): ProcessMetrics => ({ app: null, problem, values: {} });
