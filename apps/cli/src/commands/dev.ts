import { misspelledNames, readStackSettings } from '../env.js';
import { runLocalStack } from '../local-stack/run-local-stack.js';

/** The local stack, until Ctrl-C. */
export async function dev(): Promise<void> {
  const settings = readStackSettings();
  for (const name of misspelledNames()) console.error(`${name} means nothing to Posthorn: is it misspelled?`);
  await runLocalStack(settings);
}
