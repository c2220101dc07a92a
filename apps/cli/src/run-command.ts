import type { Command } from 'commander';
import { type ApiCall, type Call, openCall } from './commands/context.js';

type Action = (...given: unknown[]) => Promise<void>;

/** The action of a command that calls no API, or makes its own connection. `load` imports the command. */
export function run<Options>(load: () => Promise<(call: Call<Options>) => Promise<void>>): Action {
  return async (...given) => {
    const command = await load();
    await command(callOf<Options>(given));
  };
}

/** The action of a command that calls the API. */
export function runWithApi<Options>(load: () => Promise<(call: ApiCall<Options>) => Promise<void>>): Action {
  return async (...given) => {
    const [command, { withApi }] = await Promise.all([load(), import('./commands/with-api.js')]);
    await withApi(callOf<Options>(given), command);
  };
}

// Commander calls an action with the arguments, the options and the command.
function callOf<Options>(given: unknown[]): Call<Options> {
  const command = given.at(-1) as Command;
  const args = given.slice(0, -2).filter((one) => one !== undefined);
  return openCall(args as string[], command.optsWithGlobals());
}
