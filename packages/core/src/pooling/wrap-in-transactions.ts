import { callbackify } from 'node:util';
import pg from 'pg';

/** Makes a connection usable behind a pooler in transaction mode, where transactions share no session. `begin`,
 *  which may also set settings, replaces a plain BEGIN, and each statement outside a transaction runs in its own.
 *  The statements of a transaction must be awaited one by one. */
export function wrapInTransactions(client: pg.ClientBase, begin: string): void {
  const send = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>;

  async function run(given: unknown[]): Promise<unknown> {
    if (client.getTransactionStatus() !== 'I') return send(...given);
    if (textOf(given[0]) === 'BEGIN') return send(begin);
    await send(begin);
    try {
      const result = await send(...given);
      await send('COMMIT');
      return result;
    } catch (error) {
      // After a timeout or a lost connection send nothing more: the pool drops the connection.
      if (error instanceof pg.DatabaseError) await send('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  Object.assign(client, {
    query(...given: unknown[]) {
      const callback = given.at(-1);
      if (!isCallback(callback)) return run(given);
      return callbackify(run)(given.slice(0, -1), callback);
    },
  });
}

const textOf = (query: unknown): unknown =>
  typeof query === 'object' && query !== null && 'text' in query ? query.text : query;

const isCallback = (given: unknown): given is (error: NodeJS.ErrnoException | null, result: unknown) => void =>
  typeof given === 'function';
