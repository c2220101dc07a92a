import { endProcess, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

let stack: Stack;
let client: pg.Client;
beforeAll(async () => {
  stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', workers: 0 });
  client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await stack.stop();
});

describe('the audit log', () => {
  it('lists a change without an end if the process was killed before the response', async () => {
    // The end of an entry takes long, so that the process can be killed before it.
    await client.query(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
      CREATE TRIGGER lingers BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION linger()`);
    const response = stack.call('PUT', '/v1/accounts/made', { name: 'Made' }).catch(() => 'none');
    await waitFor(async () => (await client.query(`SELECT FROM accounts WHERE id = 'made'`)).rowCount === 1);
    stack.api.kill('SIGKILL');
    await endProcess(stack.api);
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'posthorn-api' AND datname = current_database()`,
    );
    await client.query('DROP TRIGGER lingers ON audit_entries');
    expect(await response).toBe('none');

    await stack.startApi();
    await stack.call('PUT', '/v1/accounts/made', { name: 'Made again' });
    const { data } = await stack.call<{ data: object[] }>('GET', '/v1/audit?account=made');
    expect(data).toMatchObject([
      { action: 'accounts.put', doneAt: expect.any(String), changes: { name: { from: 'Made', to: 'Made again' } } },
      { action: 'accounts.put', doneAt: null, actor: { kind: 'operator' }, target: { id: 'made' } },
    ]);
  });
});
