import { clockScenarios } from './break-clocks.js';
import { networkScenarios } from './break-network.js';
import { processScenarios } from './break-processes.js';
import { storeScenarios } from './break-stores.js';
import { BOTH, type Scenario } from './scenario.js';

export const scenarios: Scenario[] = [
  // The control: where this one is not normal, the others mean nothing.
  { name: 'no fault', backends: BOTH, strike: async () => {} },
  ...processScenarios,
  ...storeScenarios,
  ...networkScenarios,
  ...clockScenarios,
];
