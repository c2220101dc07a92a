import pg from 'pg';
import type { Database } from '../database.js';

const CHANNELS = { dispatch: 'posthorn_dispatch', fan_out: 'posthorn_fan_out' };
/** What is woken: the dispatchers, or the loops that expand fan-outs. */
export type Woken = keyof typeof CHANNELS;

/** Wakes the dispatchers of all processes, so that work does not wait for their next look. Best effort, never
 *  throws. */
export const wakeDispatchers = (pool: pg.Pool): Promise<void> => wakeAll(pool, 'dispatch');

async function wakeAll(pool: pg.Pool, woken: Woken): Promise<void> {
  await pool.query(`NOTIFY ${CHANNELS[woken]}`).catch(() => {
    // They look every second anyway.
  });
}

const AT_MOST_EVERY_MS = 50;

/** Like wakeDispatchers, for frequent callers: notifies at once and then at most every AT_MOST_EVERY_MS. */
export function openWaker(pool: pg.Pool, woken: Woken = 'dispatch'): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isRequested = false;
  function wake(): void {
    isRequested = timer !== undefined;
    if (isRequested) return;
    void wakeAll(pool, woken);
    timer = setTimeout(() => {
      timer = undefined;
      if (isRequested) wake();
    }, AT_MOST_EVERY_MS);
    timer.unref();
  }
  return wake;
}

/** Calls `onWake` when a dispatcher or an expander of fan-outs should look. Throws if it cannot connect.
 *  When the connection breaks, `isLost` becomes true: listen again. */
export async function listenForWork(
  { direct }: Pick<Database, 'direct'>,
  onWake: (woken: Woken) => void,
): Promise<{ readonly isLost: boolean; close(): void }> {
  // A dedicated connection: it is never returned, and the pool may have only one.
  const client = new pg.Client(direct.options);
  let isOpen = true;
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    client.end().catch(() => {
      // The connection is already broken.
    });
  };
  client.on('error', end);
  client.on('end', end);
  client.on('notification', ({ channel }) => onWake(channel === CHANNELS.fan_out ? 'fan_out' : 'dispatch'));
  try {
    await client.connect();
    await client.query(`LISTEN ${CHANNELS.dispatch}; LISTEN ${CHANNELS.fan_out}`);
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
