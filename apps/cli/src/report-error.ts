import { SettingsError } from '@posthorn/settings';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode, PlainError } from './plain-error.js';

/** Prints what happened and what to do, on stderr. Returns the exit code. Throws bugs. */
export function reportError(error: unknown, { isJson }: { isJson: boolean }): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    return isJson ? print(usageError(error), isJson) : EXIT.usage; // commander has printed it
  }
  if (error instanceof SettingsError) return print(new PlainError(error.message), isJson);
  if (error instanceof PlainError) return print(error, isJson);
  throw error;
}

function usageError({ code, message }: CommanderError): PlainError {
  const isMissing = code === 'commander.help';
  return new PlainError(isMissing ? 'The command is missing.' : message.replace(/^error: /, ''), {
    fix: `Add --help to see ${isMissing ? 'the commands' : 'how to use the command'}.`,
    exitCode: EXIT.usage,
  });
}

function print({ message, fix, exitCode, fields }: PlainError, isJson: boolean): ExitCode {
  if (isJson) {
    process.stderr.write(`${JSON.stringify({ error: { message, fix, exitCode, ...fields } })}\n`);
    return exitCode;
  }
  const { requestId } = fields;
  process.stderr.write(`${message}\n`);
  if (fix !== null) process.stderr.write(`Fix: ${fix}\n`);
  if (typeof requestId === 'string') process.stderr.write(`Request id: ${requestId}\n`);
  return exitCode;
}
