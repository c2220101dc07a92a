import type { Scenario } from './scenario.js';
import { backends } from './scenarios/backends.js';
import { dispatching } from './scenarios/dispatch.js';
import { drain } from './scenarios/drain.js';
import { fanOut } from './scenarios/fan-out.js';
import { flatOut } from './scenarios/flat-out.js';
import { folding } from './scenarios/folding.js';
import { history } from './scenarios/history.js';
import { hostile } from './scenarios/hostile.js';
import { idle } from './scenarios/idle.js';
import { isolation } from './scenarios/isolation.js';
import { jobs } from './scenarios/jobs.js';
import { manyAccounts } from './scenarios/many-accounts.js';
import { memory } from './scenarios/memory.js';
import { neighbours } from './scenarios/neighbours.js';
import { options } from './scenarios/options.js';
import { rateLimit } from './scenarios/rate-limit.js';
import { retention } from './scenarios/retention.js';
import { retry } from './scenarios/retry.js';
import { steady } from './scenarios/steady.js';
import { workers } from './scenarios/workers.js';

/** In the order of a full run. */
export const scenarios: Scenario[] = [
  steady,
  flatOut,
  drain,
  fanOut,
  idle,
  retry,
  dispatching,
  folding,
  manyAccounts,
  workers,
  neighbours,
  isolation,
  rateLimit,
  options,
  backends,
  jobs,
  hostile,
  memory,
  retention,
  history,
];
