import { openEndpointCases } from '../hostile-endpoints.js';
import { openRequestCases } from '../hostile-requests.js';
import type { Scenario } from '../scenario.js';

export const hostile: Scenario = {
  name: 'hostile',
  about: 'Sends hostile and largest requests to the API, and posts to endpoints that never end their response.',
  needsPosthorn: true,
  maxMinutes: 30,
  prepare: async (tools) => [...(await openRequestCases(tools)), ...(await openEndpointCases(tools))],
};
