import { explainError } from '../api/explain-error.js';
import { openApi } from '../api/open-api.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall, Call } from './context.js';

/** Runs a command with the API that its options choose. Its errors say what to do. */
export async function withApi<Options>(
  call: Call<Options>,
  run: (call: ApiCall<Options>) => Promise<void>,
): Promise<void> {
  for (const given of [...call.args, call.options.account]) {
    // As a part of a URL, each would lead to another route.
    if (given === '' || given === '.' || given === '..')
      throw new PlainError(`${JSON.stringify(given)} is not an id.`, { exitCode: EXIT.usage });
  }
  const api = openApi(call.options);
  try {
    await run({ ...call, api });
  } catch (error) {
    throw explainError(error, api.connection);
  }
}
