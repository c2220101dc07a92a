import { fields } from '../output/table.js';
import type { Paint } from '../output/terminal.js';
import type { Plan } from './limits.js';
import type { Latency } from './percentiles.js';
import type { Ending } from './publish-steadily.js';
import type { CpuCost } from './read-cpu.js';

/** What a load test found. `--json` prints it. */
export interface LoadReport {
  account: string;
  plan: Plan;
  /** `finished`, or why it ended early. */
  ending: Ending;
  /** Whether the API responded too slowly to keep the rate. */
  fellBehind: boolean;
  /** Events. */
  published: number;
  accepted: number;
  /** Publishes that got an error or no response. */
  failedPublishes: number;
  acceptedPerSecond: number;
  delivered: number;
  /** From the first publish to the last arrival. */
  deliveredPerSecond: number;
  /** From the start of the publish to the arrival. null: nothing arrived. */
  latency: Latency | null;
  /** Deliveries that had not arrived when publishing ended. */
  backlogAtEnd: number;
  /** From the end of publishing until nothing was missing. null: some were still missing. */
  drainSeconds: number | null;
  /** Missing deliveries that Posthorn still has to send, because the test did not wait longer. */
  pending: number;
  /** Missing deliveries that Posthorn gave up. */
  failed: number;
  /** Missing deliveries that are neither pending nor failed: Posthorn has lost them. */
  lost: number;
  duplicates: number;
  /** Arrivals of events whose publish got no response. */
  unacknowledged: number;
  cpu: CpuCost[];
  /** Why the CPU of a process is not known. */
  cpuNotes: string[];
}

const ENDINGS: Record<Ending, string> = {
  finished: 'as planned',
  interrupted: 'early: it was interrupted',
  backlog: 'early: the backlog passed --max-backlog',
  refused: 'early: too many publishes failed',
};

export function reportText(report: LoadReport, paint: Paint): string {
  const { plan, latency, drainSeconds } = report;
  const ms = (of: keyof Latency) => (latency === null ? '–' : latency[of]);
  const costs = report.cpu.map(({ app, url, usPerDelivery, perSecond }) => [
    `CPU of ${app}`,
    `${usPerDelivery} µs per delivery, at this load; one such process at 60 % of a core: ${perSecond}/s · ${url}`,
  ]);
  const text = fields(
    [
      ['ended', ENDINGS[report.ending]],
      ['published', `${report.published} events of ${plan.payloadBytes} bytes for ${plan.subscriptions} subscriptions`],
      ['accepted', `${report.accepted} events, ${report.acceptedPerSecond}/s`],
      ['failed publishes', report.failedPublishes],
      ['delivered', `${report.delivered} deliveries, ${report.deliveredPerSecond}/s`],
      ['latency', `p50 ${ms('p50Ms')} · p95 ${ms('p95Ms')} · p99 ${ms('p99Ms')} · max ${ms('maxMs')} ms`],
      ['backlog at the end', report.backlogAtEnd],
      ['drained after', drainSeconds === null ? 'not drained' : `${drainSeconds} s`],
      ['still pending', report.pending],
      ['failed', report.failed],
      ['lost', report.lost],
      ['duplicates', report.duplicates],
      ...(report.unacknowledged > 0 ? ([['not acknowledged', report.unacknowledged]] as const) : []),
      ...costs.map(([name = '', value]) => [name, value] as const),
    ],
    paint,
  );
  const notes = [
    ...(report.fellBehind ? ['The API responded too slowly to keep the rate, or this machine is too slow.'] : []),
    ...report.cpuNotes,
  ];
  return [text, ...notes.map((note) => `Note: ${note}`)].join('\n');
}
