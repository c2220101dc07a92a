import { type Check, failed, judgeClock, ok, reasonOf, warning } from './check.js';

interface Ready {
  status?: string;
  version?: string;
  checks?: Record<string, { status?: string }>;
}

const WITHIN_MS = 15_000;

/** Checks that the API is ready, its parts, and its clock. Sends no key. */
export async function checkApi(url: URL, now: () => number = Date.now): Promise<Check[]> {
  const readyUrl = `${url.href.replace(/\/+$/, '')}/readyz`;
  const before = now();
  let response: Response;
  try {
    response = await fetch(readyUrl, { signal: AbortSignal.timeout(WITHIN_MS), redirect: 'manual' });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    return [
      failed(
        'API',
        `${url.origin} does not respond: ${reasonOf(cause ?? error)}`,
        'Start the API, or correct the URL.',
      ),
    ];
  }
  const after = now();
  const ready = (await response.json().catch(() => ({}))) as Ready;
  const parts = Object.entries(ready.checks ?? {}).filter(([, { status }]) => status !== 'ok');
  const detail = `${url.origin}, version ${ready.version ?? 'unknown'}, ${ready.status ?? response.status}`;
  const names = parts.map(([name]) => name).join(', ');
  const fix = names === '' ? 'Look at the log of the API.' : `Look at: ${names}.`;
  const date = Date.parse(response.headers.get('date') ?? '') + 500; // the header has whole seconds
  return [
    !response.ok
      ? failed('API', detail, fix)
      : ready.status === 'degraded'
        ? warning('API', detail, fix)
        : ok('API', detail),
    ...(Number.isNaN(date)
      ? []
      : [judgeClock('Clock of the API', Math.round(date - Math.min(after, Math.max(before, date))))]),
  ];
}
