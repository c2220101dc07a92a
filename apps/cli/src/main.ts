#!/usr/bin/env node
import { SettingsError } from '@posthorn/settings';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode, PlainError } from './plain-error.js';
import { createProgram } from './program.js';

// A reader such as `head` has ended, so further output has no use.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints what happened and what to do, on stderr. Returns the exit code. Throws bugs. */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has explained it
  if (error instanceof SettingsError) return print(new PlainError(error.message));
  if (error instanceof PlainError) return print(error);
  throw error;
}

function print({ message, fix, exitCode, fields }: PlainError): ExitCode {
  if (process.argv.includes('--json')) {
    process.stderr.write(`${JSON.stringify({ error: { message, fix, exitCode, ...fields } })}\n`);
    return exitCode;
  }
  const { requestId } = fields;
  process.stderr.write(`${message}\n`);
  if (fix !== null) process.stderr.write(`Fix: ${fix}\n`);
  if (typeof requestId === 'string') process.stderr.write(`Request id: ${requestId}\n`);
  return exitCode;
}
