import { misspelledNames, readStackSettings } from '../env.js';
import { runLocalStack } from '../local-stack/run-local-stack.js';
import type { Call } from './context.js';

/** Runs the local stack until Ctrl-C. `watch` restarts its processes whenever their sources change. */
export async function dev({ options, terminal }: Call<{ watch?: boolean }>): Promise<void> {
  const settings = readStackSettings();
  for (const name of misspelledNames()) terminal.note(`Unknown setting ${name}: is it misspelled?`);
  await runLocalStack(settings, { watch: options.watch ?? false, terminal });
}
