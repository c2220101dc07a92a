import { parseArgs } from 'node:util';
import { type DrillOutcome, runRestoreDrill } from './restore-drill.js';
import type { Backend } from './rig.js';

const USAGE = `npm run test:restore -- [--backend redis|postgres|both] [--rate N]
Takes a base backup of Postgres under load, loses the database, and restores it to a chosen time. API, workers, Redis and the
producer go on meanwhile. Then it lists the missing events with posthorn reconcile, publishes them again, and compares the ledgers.
docs/backup.md describes the same steps.`;

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'both' },
    rate: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});
const backends = (['redis', 'postgres'] as const).filter((one) => values.backend === 'both' || values.backend === one);
if (values.help || backends.length === 0) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

let failed = 0;
for (const backend of backends) {
  const problems = await run(backend);
  for (const problem of problems) console.log(`  FAILED: ${problem}`);
  failed += problems.length;
}
process.exit(failed > 0 ? 1 : 0);

async function run(backend: Backend): Promise<string[]> {
  try {
    const outcome = await runRestoreDrill(backend, { rate: Number(values.rate) });
    print(backend, outcome);
    return problemsOf(outcome);
  } catch (error) {
    return [`the queue on ${backend}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function print(backend: Backend, outcome: DrillOutcome): void {
  const { accepted, missing, lost, sentAgain, underTwoIds, stuck, orphans, reasons, writableAfterMs, flowsAfterMs } =
    outcome;
  console.log(`Restore with the queue on ${backend}, ${values.rate} events/s:
  ${accepted} events had a 202, of which ${missing} were missing after the restore and published again
  ${lost} lost, ${stuck} stuck
  ${sentAgain} requests repeated for deliveries that had succeeded after the chosen time, ${underTwoIds} events sent with a second id
  ${orphans} deliveries with a job in Redis that no longer existed
  Postgres took writes after ${seconds(writableAfterMs)}, and events arrived after ${seconds(flowsAfterMs)}
  calls repeated by the producer: ${JSON.stringify(reasons)}`);
}

function problemsOf({ wrong, lost, unexplained, stuck, orphansLeft }: DrillOutcome): string[] {
  return [
    ...wrong,
    ...(lost > 0 ? [`${lost} accepted but not delivered`] : []),
    ...(unexplained > 0
      ? [`${unexplained} repeated requests of deliveries that were recorded before the chosen time`]
      : []),
    ...(stuck > 0 ? [`${stuck} stuck`] : []),
    ...(orphansLeft > 0 ? [`${orphansLeft} deliveries that no longer exist, with a job in Redis`] : []),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
