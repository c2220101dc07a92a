import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from './program.js';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const program = createProgram();
const leaves = leavesOf(program);

function leavesOf(command: Command, path: string[] = []): { command: Command; path: string }[] {
  const at = [...path, command.name()];
  if (command.commands.length === 0) return [{ command, path: at.join(' ') }];
  return command.commands.flatMap((one) => leavesOf(one, at));
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => void (text += more) }).outputHelp();
  return text;
}

it('every command explains itself with an example that it understands', () => {
  expect(leaves.length).toBeGreaterThan(40);
  for (const { command, path } of leaves) {
    if (path === 'posthorn complete') continue; // for the shells
    const [, example = ''] = /\nExample: (.*)/.exec(helpOf(command)) ?? [];
    expect(example).toContain(path);
    expect(command.description()).not.toBe('');
    const used = [...example.matchAll(/ (--[a-z-]+)/g)].map(([, option]) => option);
    const known = new Set([...command.options, ...program.options].map(({ long }) => long));
    expect(used.filter((option) => !known.has(option))).toEqual([]);
  }
});

it('docs/cli.md has every command', () => {
  const missing = leaves.filter(({ path }) => path !== 'posthorn complete' && !page.includes(path));
  expect(missing.map(({ path }) => path)).toEqual([]);
});
