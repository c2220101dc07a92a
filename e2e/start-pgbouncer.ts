import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '@posthorn/embedded';
import { waitFor } from '@posthorn/testing';

export interface PgBouncer {
  /** URL of the target through the pooler. */
  url: string;
  stop(): Promise<void>;
}

/** Whether a PgBouncer in transaction mode can support named statements: from 1.21 on. */
export function supportsNamedStatements(command: string): boolean {
  const [, major, minor] =
    /PgBouncer (\d+)\.(\d+)/.exec(execFileSync(command, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(major) > 1 || Number(minor) >= 21;
}

/** Starts the machine's PgBouncer in front of the server of `targetUrl`, with its defaults except the number of connections and
 *  `settings`. */
export async function startPgBouncer(
  command: string,
  targetUrl: string,
  settings: Record<string, string>,
): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-pgbouncer-'));
  const file = join(folder, 'pgbouncer.ini');
  const url = new URL(targetUrl);
  const port = await findFreePort();
  writeFileSync(
    file,
    `[databases]
* = host=${url.hostname} port=${url.port} user=${url.username} password=${decodeURIComponent(url.password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
${Object.entries({ default_pool_size: '60', ...settings })
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
`,
    { mode: 0o600 },
  );
  // It refuses to run as root, so it changes the user after it has read its file.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(command, [...user, file], { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  const end = () => void child.kill('SIGTERM');
  process.once('exit', end);
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(said.join(''));
      return responds(port);
    },
    { what: `PgBouncer to listen` },
  );
  url.port = String(port);
  return {
    url: url.href,
    async stop() {
      process.off('exit', end);
      if (child.exitCode === null) {
        end();
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function responds(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}
