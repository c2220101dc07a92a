import { explainError } from '../api/explain-error.js';
import { openApi } from '../api/open-api.js';
import type { ApiCall, Call } from './context.js';

/** Runs a command with the API that its options choose. Its errors say what to do. */
export async function withApi<Options>(
  call: Call<Options>,
  run: (call: ApiCall<Options>) => Promise<void>,
): Promise<void> {
  const api = openApi(call.options);
  try {
    await run({ ...call, api });
  } catch (error) {
    throw explainError(error, api.connection);
  }
}
