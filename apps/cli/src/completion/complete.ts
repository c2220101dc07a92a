import type { Command, Option } from 'commander';

/** Returns the words that can complete the last of `words`, which may be empty. Pure. */
export function complete(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? '';
  let command = program;
  let hasArguments = false;
  let pending: Option | null = null;
  for (const word of words.slice(0, -1)) {
    if (pending) {
      pending = null;
      continue;
    }
    const option = optionsOf(command).find(({ long, short }) => word === long || word === short);
    if (option) pending = option.required || option.optional ? option : null;
    else if (!word.startsWith('-')) {
      const next = command.commands.find((one) => one.name() === word);
      if (next) command = next;
      else hasArguments = true;
    }
  }
  const candidates = pending ? (pending.argChoices ?? []) : candidatesOf(command, { typed, hasArguments });
  return candidates.filter((one) => one.startsWith(typed)).toSorted();
}

function candidatesOf(command: Command, { typed, hasArguments }: { typed: string; hasArguments: boolean }): string[] {
  if (typed.startsWith('-')) return [...optionsOf(command).flatMap(({ long }) => (long ? [long] : [])), '--help'];
  if (hasArguments) return [];
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  return [...visibleCommands(command), ...choices];
}

/** The options of a command and of those above it. */
function optionsOf(command: Command): Option[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  return command.parent ? [...own, ...optionsOf(command.parent)] : own;
}

/** Without those that the help hides, and without `help`. */
const visibleCommands = (command: Command): string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name())
    .filter((name) => name !== 'help');
