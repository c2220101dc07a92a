import type { Scenario } from '../scenario.js';
import { openDrainCase } from './drain.js';
import { openFlatOutCases } from './flat-out.js';
import { openSteadyCases } from './steady.js';

const BACKENDS = ['redis', 'postgres'] as const;

export const backends: Scenario = {
  name: 'backends',
  about: 'Runs steady (200/s), flat-out and drain with the queue on Redis and on Postgres.',
  needsPosthorn: true,
  maxMinutes: 60,
  async prepare(tools) {
    const events = tools.isQuick ? 1_000 : 10_000;
    const seconds = tools.isQuick ? 4 : 20;
    const cases = [];
    for (const backend of BACKENDS) {
      const prefix = `${backend}: `;
      const posthorn = await tools.startPosthorn({ backend });
      cases.push(
        ...(await openSteadyCases(tools, posthorn, { rates: [200], seconds, prefix })),
        ...(await openFlatOutCases(tools, posthorn, { events, prefix })),
        await openDrainCase(tools, posthorn, { events, prefix }),
      );
    }
    return cases;
  },
  goals: (medians) => [
    {
      what: 'a backlog with the queue on Postgres, per second',
      found: medians('postgres: a backlog of one subscription', 'perSecond'),
      wanted: { atLeast: 1_000 },
    },
  ],
};
