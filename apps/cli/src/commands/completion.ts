import type { Command } from 'commander';
import { complete } from '../completion/complete.js';
import { completionScript, type Shell } from '../completion/script.js';
import type { Call } from './context.js';

export async function completion({ args: [shell = ''], terminal }: Call): Promise<void> {
  const script = completionScript(shell as Shell);
  terminal.result({ shell, script }, () => script.trimEnd());
}

/** For the scripts of `completion`: prints one candidate per line. */
export function printCandidates(program: Command, words: readonly string[]): void {
  for (const word of complete(program, words)) process.stdout.write(`${word}\n`);
}
