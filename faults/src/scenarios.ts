import { clockScenarios } from './break-clocks.js';
import { networkScenarios } from './break-network.js';
import { processScenarios } from './break-processes.js';
import { storeScenarios } from './break-stores.js';
import { BOTH, type Scenario } from './scenario.js';
import { upgradeScenarios } from './upgrade.js';

export const scenarios: Scenario[] = [
  // The control: if this one is not normal, the results of the others are not meaningful.
  { name: 'no fault', backends: BOTH, run: async () => {} },
  ...processScenarios,
  ...upgradeScenarios,
  ...storeScenarios,
  ...networkScenarios,
  ...clockScenarios,
];
