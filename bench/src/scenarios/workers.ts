import type { Scenario } from '../scenario.js';
import { openDrainCase } from './drain.js';

const nameOf = (count: number) => (count === 1 ? '1 worker' : `${count} workers`);

export const workers: Scenario = {
  name: 'workers',
  about: 'Delivers a backlog with 1, 2 and 4 worker processes; the CPU per delivery must not grow with their number.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn();
    const events = tools.isQuick ? 3_000 : 20_000;
    return Promise.all(
      [1, 2, 4].map((count) => openDrainCase(tools, posthorn, { events, name: nameOf(count), workers: count })),
    );
  },
  goals(medians) {
    const [one, four] = [medians(nameOf(1), 'systemUs'), medians(nameOf(4), 'systemUs')];
    return [
      {
        what: 'CPU per delivery with 4 workers, against 1',
        found: one === null || four === null ? null : four / one,
        wanted: { atMost: 1.15 },
      },
    ];
  },
};
