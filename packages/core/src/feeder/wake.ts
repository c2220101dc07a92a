import pg from 'pg';
import type { Database } from '../database.js';

const CHANNEL = 'posthorn_feed';

/** Tells the feeders of all processes that something waits for them, so that it need not wait for their next look. Best effort:
 *  never throws. */
export async function wakeFeeders(pool: pg.Pool): Promise<void> {
  await pool.query(`NOTIFY ${CHANNEL}`).catch(() => {
    // They look by themselves, every second.
  });
}

const AT_MOST_EVERY_MS = 50;

/** wakeFeeders for who has reason to call it often: at once, and then not again for a moment. */
export function openWaker(pool: pg.Pool): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  function wake(): void {
    isWanted = timer !== undefined;
    if (isWanted) return;
    void wakeFeeders(pool);
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) wake();
    }, AT_MOST_EVERY_MS);
    timer.unref();
  }
  return wake;
}

/** Calls `onWake` when a feeder is wanted. Throws when it cannot connect; `isLost` is true from when its connection breaks:
 *  listen anew. */
export async function listenForWork(
  { direct }: Pick<Database, 'direct'>,
  onWake: () => void,
): Promise<{ readonly isLost: boolean; close(): void }> {
  // A connection of its own: it is never given back, and the pool may be as small as one.
  const client = new pg.Client(direct.options);
  let isOpen = true;
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    client.end().catch(() => {
      // It is broken already.
    });
  };
  client.on('error', end);
  client.on('end', end);
  client.on('notification', onWake);
  try {
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
  } catch (error) {
    end();
    throw error;
  }
  return {
    get isLost() {
      return !isOpen;
    },
    close: end,
  };
}
