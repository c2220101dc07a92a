import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ApiProblem, type KnownEvent, type Posthorn } from '@posthorn/client';
import type { Api } from '../api/open-api.js';
import { printable } from '../output/printable.js';
import { type Recorded, readRecord } from '../input/read-record.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';

/** The most that the API takes. */
const BATCH = 500;
/** How many events wait for the other events of their accounts. Bounds the memory for files with many accounts. */
const MAX_WAITING = 50_000;

type Batch = Recorded[];

/** Prints the events of a file that the server does not have, as they are in the file. Exits with 1 if there is one. Reads the file once,
 *  in bounded memory, and changes nothing on the server, so repeating is safe. */
export async function reconcile({ api, options, terminal }: ApiCall<{ from: string }>): Promise<void> {
  const unknownAccounts = new Set<string>();
  let checked = 0;
  let missing = 0;
  for await (const [account, batch] of batchesOf(readRecords(options.from, () => api.account()))) {
    const found = unknownAccounts.has(account) ? 'account_unknown' : await findMissing(api, account, batch);
    if (found === 'account_unknown') unknownAccounts.add(account);
    const lost = found === 'account_unknown' ? batch : found;
    checked += batch.length;
    missing += lost.length;
    for (const { line, event } of lost) {
      const { id = null, idempotencyKey = null } = event;
      terminal.item({ account, id, idempotencyKey }, () => printable(line));
    }
  }
  for (const account of unknownAccounts)
    terminal.note(`The account ${printable(account)} does not exist, or this key cannot access it.`);
  terminal.note(`Events checked: ${checked}, missing: ${missing}.`);
  if (missing > 0) process.exitCode = EXIT.failed;
}

/** `account_unknown`: after a restore, because the account was created after the restored time. */
async function findMissing({ client }: Api, account: string, batch: Batch): Promise<Batch | 'account_unknown'> {
  try {
    const events = batch.map(({ event }) => event);
    const lost = new Set((await client.events.findMissing(account, events)).map(keyOf));
    return batch.filter(({ event }) => lost.has(keyOf(event)));
  } catch (error) {
    // An API that lacks the route returns the same problem.
    if (!isNotFound(error) || (await hasAccount(client, account))) throw error;
    return 'account_unknown';
  }
}

async function hasAccount(client: Posthorn, account: string): Promise<boolean> {
  try {
    await client.events.list(account, { limit: 1 }).page();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

const isNotFound = (error: unknown): boolean => error instanceof ApiProblem && error.code === 'not_found';

const keyOf = ({ id, idempotencyKey }: KnownEvent): string => JSON.stringify([id ?? null, idempotencyKey ?? null]);

/** The records of each account in batches. */
async function* batchesOf(records: AsyncIterable<Recorded>): AsyncGenerator<[account: string, batch: Batch]> {
  const waiting = new Map<string, Batch>();
  let count = 0;
  for await (const record of records) {
    const batch = waiting.get(record.account) ?? [];
    waiting.set(record.account, batch);
    batch.push(record);
    count += 1;
    if (batch.length < BATCH && count < MAX_WAITING) continue;
    const full = batch.length < BATCH ? [...waiting] : [[record.account, batch] as const];
    for (const [account, events] of full) {
      waiting.delete(account);
      count -= events.length;
      yield [account, events];
    }
  }
  yield* waiting;
}

async function* readRecords(from: string, defaultAccount: () => Promise<string>): AsyncGenerator<Recorded> {
  const input = from === '-' ? process.stdin : createReadStream(from);
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() === '') continue;
      const record = readRecord(line);
      if (typeof record === 'string')
        throw new PlainError(`--from: line ${number}: ${record}`, { exitCode: EXIT.usage });
      yield { ...record, account: record.account ?? (await defaultAccount()) };
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : null;
    if (code === null) throw error;
    throw new PlainError(`--from: ${from} cannot be read (${code}).`, { exitCode: EXIT.usage, cause: error });
  }
}
