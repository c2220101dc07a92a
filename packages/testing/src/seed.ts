import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seedData, type SeededStack } from './seed-data.js';
import { writeHistory } from './write-history.js';

// `npm run seed`: adds three accounts, webhooks and deliveries in every state, and a day of statistics to the running local stack. Its
// deliveries must fail for good within a minute, so it needs the retry schedule of `npm run dev`.
const dataDir = process.env['POSTHORN_DATA_DIR'] ?? '.posthorn';

interface LocalStack {
  apiUrl: string;
  consoleUrl: string;
  operatorKey: string;
  databaseUrl: string;
}

function readLocalStack(): LocalStack {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8')) as LocalStack;
  } catch (error) {
    throw new Error(`No local stack runs in ${dataDir}. Start one with npm run dev, then run npm run seed again.`, {
      cause: error,
    });
  }
}

function reach({ apiUrl, operatorKey, databaseUrl }: LocalStack): SeededStack {
  const ask = async (method: string, path: string, body?: string): Promise<unknown> => {
    const response = await fetch(apiUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${operatorKey}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  return {
    databaseUrl,
    call: async <T>(method: string, path: string, body?: unknown) =>
      (await ask(method, path, body === undefined ? undefined : JSON.stringify(body))) as T,
    publish: async (account, body) => (await ask('POST', `/v1/accounts/${account}/events`, body)) as { id: string },
  };
}

try {
  const local = readLocalStack();
  const stack = reach(local);
  console.log('Publishing events and waiting for their deliveries …');
  const seed = await seedData(stack);
  await writeHistory(stack, seed);
  await seed.close();
  console.log(`Done. See ${local.consoleUrl}accounts/${seed.account}/integrations`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
