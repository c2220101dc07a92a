import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EXIT, PlainError } from '../plain-error.js';

/** Asks before something that cannot be undone. Throws unless the person agrees; scripts add `--yes`. */
export async function confirm(question: string, isAgreed: boolean | undefined): Promise<void> {
  if (isAgreed) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PlainError(`${question} This cannot be undone.`, { fix: 'Add --yes to confirm.', exitCode: EXIT.usage });
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const reply = await ask(reader, `${question} This cannot be undone. [y/N] `);
    if (/^y(es)?$/i.test(reply.trim())) return;
  } finally {
    reader.close();
  }
  throw new PlainError('Nothing was changed.');
}

/** Reads a secret from the terminal without showing it, or from a pipe. */
export async function readSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    let text = '';
    for await (const chunk of process.stdin) text += String(chunk);
    return text.trim();
  }
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return (await ask(reader, '')).trim();
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}

/** Ctrl-C and Ctrl-D cancel. */
async function ask(reader: Interface, question: string): Promise<string> {
  const cancel = new AbortController();
  reader.once('SIGINT', () => cancel.abort());
  reader.once('close', () => cancel.abort());
  try {
    return await reader.question(question, { signal: cancel.signal });
  } catch (error) {
    throw new PlainError('Canceled.', { cause: error });
  }
}
