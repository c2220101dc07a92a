import type { Goal } from './scenario.js';

/** null: this run did not measure it. */
export function isReached({ found, wanted }: Goal): boolean | null {
  if (found === null) return null;
  if ('exactly' in wanted) return found === wanted.exactly;
  return 'atMost' in wanted ? found <= wanted.atMost : found >= wanted.atLeast;
}
