import type { Case, Scenario } from '../scenario.js';
import { openDrainCase } from './drain.js';
import { openFlatOutCases } from './flat-out.js';
import { openSteadyCases } from './steady.js';

const DELIVERIES_PER_JOB = [1, 50];

export const jobs: Scenario = {
  name: 'jobs',
  about: 'Runs steady (50/s, 200/s), flat-out and drain with one delivery per job, and with up to 50.',
  needsPosthorn: true,
  maxMinutes: 60,
  async prepare(tools) {
    const events = tools.isQuick ? 1_000 : 10_000;
    const seconds = tools.isQuick ? 4 : 15;
    const cases: Case[][] = [];
    for (const count of DELIVERIES_PER_JOB) {
      const prefix = `${count} in a job: `;
      const posthorn = await tools.startPosthorn({ env: { DELIVERIES_PER_JOB: String(count) } });
      cases.push([
        ...(await openSteadyCases(tools, posthorn, { rates: [50, 200], seconds, prefix })),
        ...(await openFlatOutCases(tools, posthorn, { events, prefix })),
        await openDrainCase(tools, posthorn, { events, prefix }),
      ]);
    }
    const [one = [], many = []] = cases;
    // Comparable cases run next to each other, since the machine's speed drifts.
    return one.flatMap((single, at) => [single, ...many.slice(at, at + 1)]);
  },
};
