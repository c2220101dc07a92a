import { setTimeout as pause } from 'node:timers/promises';
import { BOTH, type Scenario } from './scenario.js';

const SHIFT_MS = 90_000;

export const clockScenarios: Scenario[] = (['worker', 'API'] as const).flatMap((of) =>
  [SHIFT_MS, -SHIFT_MS].map((shiftMs): Scenario => {
    return {
      name: `clock of ${of === 'API' ? 'the API' : 'a worker'} ${shiftMs > 0 ? 'ahead' : 'behind'} by 90 s, set right after 20 s`,
      backends: BOTH,
      needs: { clock: { of, shiftMs } },
      // No part is away, so the flow must be normal even while the clock is wrong.
      async run(rig, { injectFault, isBack }) {
        const jump = () => (of === 'API' ? rig.api : rig.workers[0])?.kill('SIGUSR2');
        injectFault(jump);
        isBack();
        await pause(20_000);
        injectFault(jump);
      },
    };
  }),
);
