import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKey } from '../keys/create-key.js';
import { revokeKey } from '../keys/revoke-key.js';
import { type Ledger, openLedger, silent } from '../ledger.test-support.js';
import { endPortals, endSession } from './end-sessions.js';
import { openSession } from './open-session.js';
import { createPortalLink, openPortal } from './portal.js';
import { openAccessWatch } from './watch-access.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

async function key(accountId: string): Promise<string> {
  const made = await createKey(ledger, { accountId, name: 'test', scopes: [] });
  if (made.outcome !== 'created') throw new Error(made.outcome);
  return made.apiKey.id;
}

async function session(of: Parameters<typeof openSession>[1]['of']): Promise<string> {
  const opened = await openSession(ledger, {
    of,
    operatorKey: 'operator',
    lastsSeconds: 3_600,
    idleSeconds: 3_600,
    address: '192.0.2.1',
  });
  return opened?.id ?? '';
}

async function portal(accountId: string): Promise<string> {
  const input = { accountId, capabilities: [], lastsSeconds: 3_600, theme: null, address: '192.0.2.1' };
  const link = await createPortalLink(ledger, input);
  const opened = await openPortal(ledger, { linkToken: link?.token ?? '', address: '192.0.2.1' });
  return opened?.id ?? '';
}

it('finds a revoked key or an ended session in the next round, with one statement for all', async () => {
  const { pool } = ledger.db;
  const polls: string[][] = [];
  const counted = {
    query: (statement: { text: string; values: [string[]] }) => {
      polls.push(statement.values[0]);
      return pool.query(statement);
    },
  };
  const watch = openAccessWatch({ db: { pool: counted as typeof pool }, log: silent });
  const accountId = await ledger.account();
  const revoked = await key(accountId);
  const kept = await key(accountId);
  const ids = {
    revoked,
    'session of the revoked key': await session({ kind: 'account', accountId, keyId: revoked }),
    'logged out': await session({ kind: 'operator' }),
    expired: await session({ kind: 'account', accountId, keyId: kept }),
    unused: await session({ kind: 'operator' }),
    portal: await portal(accountId),
    kept,
    'kept session': await session({ kind: 'account', accountId, keyId: kept }),
  };
  const ended: { name: string; poll: number }[] = [];
  for (const [name, id] of Object.entries(ids)) watch.add(id, () => ended.push({ name, poll: polls.length }));
  await waitFor(() => polls.length >= 2);
  expect(ended).toEqual([]);
  expect(polls[0]?.toSorted()).toEqual(Object.values(ids).toSorted());

  await revokeKey(ledger, { accountId, id: revoked });
  await endSession(ledger, { id: ids['logged out'] });
  await endPortals(ledger, { accountId });
  await pool.query('UPDATE sessions SET expires_at = now() WHERE id = $1', [ids.expired]);
  await pool.query(`UPDATE sessions SET last_used_at = now() - interval '2 hours' WHERE id = $1`, [ids.unused]);
  const before = polls.length;
  await waitFor(() => ended.length >= 6);
  for (const { poll } of ended) expect(poll).toBeLessThanOrEqual(before + 1);
  expect(ended.map(({ name }) => name).toSorted()).toEqual(
    ['revoked', 'session of the revoked key', 'logged out', 'expired', 'unused', 'portal'].toSorted(),
  );
  await waitFor(() => polls.length >= before + 2);
  expect(polls.at(-1)?.toSorted()).toEqual([ids.kept, ids['kept session']].toSorted());
});
