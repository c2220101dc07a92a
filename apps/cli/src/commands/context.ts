import type { Api, ConnectionFlags } from '../api/open-api.js';
import { allowsColour } from '../env.js';
import { openTerminal, type Terminal } from '../output/terminal.js';

/** What a command gets: its arguments, its options together with the global ones, and where to write. */
export interface Call<Options = object> {
  args: string[];
  options: Options & GlobalOptions;
  terminal: Terminal;
}

export interface GlobalOptions extends ConnectionFlags {
  json?: boolean;
  color?: boolean;
}

/** A command that calls the API. */
export interface ApiCall<Options = object> extends Call<Options> {
  api: Api;
}

export function openCall<Options>(args: string[], options: Options & GlobalOptions): Call<Options> {
  const hasColour = allowsColour() && options.color !== false;
  return { args, options, terminal: openTerminal({ isJson: options.json === true, hasColour }) };
}
