import pg from 'pg';
import type { Database } from '../database.js';

const CHANNELS = { dispatch: 'posthorn_dispatch', fan_out: 'posthorn_fan_out' };
/** Who is woken: dispatchers, or expanders of fan-outs. */
export type Woken = keyof typeof CHANNELS;

/** Tells the dispatchers of all processes that something waits for them, so that it need not wait for their next look. Best effort:
 *  never throws. */
export const wakeDispatchers = (pool: pg.Pool): Promise<void> => wakeAll(pool, 'dispatch');

async function wakeAll(pool: pg.Pool, woken: Woken): Promise<void> {
  await pool.query(`NOTIFY ${CHANNELS[woken]}`).catch(() => {
    // They look by themselves, every second.
  });
}

const AT_MOST_EVERY_MS = 50;

/** The same for who has reason to call often: at once, and then not again for a moment. */
export function openWaker(pool: pg.Pool, woken: Woken = 'dispatch'): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  function wake(): void {
    isWanted = timer !== undefined;
    if (isWanted) return;
    void wakeAll(pool, woken);
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) wake();
    }, AT_MOST_EVERY_MS);
    timer.unref();
  }
  return wake;
}

/** Calls back when a dispatcher, or an expander of fan-outs, is wanted. Throws when it cannot connect; `isLost` is true from when its connection breaks:
 *  listen anew. */
export async function listenForWork(
  { direct }: Pick<Database, 'direct'>,
  onWake: (woken: Woken) => void,
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
