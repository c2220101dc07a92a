#!/usr/bin/env node
import { EXIT } from './plain-error.js';
import { createProgram } from './program.js';
import { reportError } from './report-error.js';

// A reader such as `head` has ended, so further output has no use.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

// An error of the options ends commander before it has read all of them.
const isJson = process.argv.includes('--json');
try {
  await createProgram({ isJson }).parseAsync();
} catch (error) {
  process.exitCode = reportError(error, { isJson });
}
