import { ENDPOINT_CASES, openEndpointCases } from '../hostile-endpoints.js';
import { openRequestCases, REQUEST_CASES } from '../hostile-requests.js';
import type { Goal, Medians, Scenario } from '../scenario.js';

export const hostile: Scenario = {
  name: 'hostile',
  about: 'Sends hostile and largest requests to the API, and posts to endpoints that never end their response.',
  needsPosthorn: true,
  maxMinutes: 30,
  prepare: async (tools) => [...(await openRequestCases(tools)), ...(await openEndpointCases(tools))],
  goals: (medians) => [
    worstOf(medians, REQUEST_CASES, 'longestTurnMs', {
      what: 'longest turn of the event loop, ms of CPU',
      atMost: 100,
    }),
    worstOf(medians, ENDPOINT_CASES, 'cpuMs', { what: 'an endless response, ms of CPU', atMost: 20 }),
    worstOf(medians, ENDPOINT_CASES, 'readKib', { what: 'an endless response, KiB read', atMost: 256 }),
    ...REQUEST_CASES.map(({ request, status }) => ({
      what: `status: ${request}`,
      found: medians(request, 'status'),
      wanted: { exactly: status },
    })),
  ],
};

/** The highest value of a metric, with the name of its case. */
function worstOf(
  medians: Medians,
  cases: { request: string }[],
  metric: string,
  { what, atMost }: { what: string; atMost: number },
): Goal {
  const found = cases.flatMap(({ request }) => {
    const value = medians(request, metric);
    return value === null ? [] : [{ request, value }];
  });
  const [worst] = found.toSorted((a, b) => b.value - a.value);
  return { what: worst ? `${what} (${worst.request})` : what, found: worst?.value ?? null, wanted: { atMost } };
}
