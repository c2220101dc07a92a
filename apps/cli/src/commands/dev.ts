import { misspelledNames, readStackSettings } from '../env.js';
import { runLocalStack } from '../local-stack/run-local-stack.js';

/** Runs the local stack until Ctrl-C. `watch` restarts its processes whenever their sources change. */
export async function dev({ watch = false }: { watch?: boolean } = {}): Promise<void> {
  const settings = readStackSettings();
  for (const name of misspelledNames()) console.error(`Unknown setting ${name}: is it misspelled?`);
  await runLocalStack(settings, { watch });
}
