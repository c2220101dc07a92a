import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeScratchFolder } from '@posthorn/testing';

const main = fileURLToPath(new URL('../apps/cli/dist/main.js', import.meta.url));
const host = fileURLToPath(new URL('cli-host.mjs', import.meta.url));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A running process. */
export interface Running {
  stdout(): string;
  stderr(): string;
  write(text: string): void;
  endInput(): void;
  /** Sends the signal, and returns the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  ended: Promise<number | null>;
}

interface RunOptions {
  input?: string;
  env?: Record<string, string>;
}

/** The built command, with an empty home folder. */
export interface Cli {
  /** Holds a `posthorn` for the PATH. */
  folder: string;
  env: Record<string, string>;
  /** Runs it in a process that all runs share, which saves the start of one. With input, runs it in a process of its own. */
  run(args: string[], options?: RunOptions): Promise<Result>;
  /** Runs it in a process of its own. */
  runProcess(args: string[], options?: RunOptions): Promise<Result>;
  /** Runs it and parses its `--json`. Throws unless it succeeds. */
  json<T>(args: string[], options?: { input?: string }): Promise<T>;
  start(args: string[]): Running;
  /** Runs a shell script, in which `posthorn` is the command. */
  shell(script: string, env?: Record<string, string>): Running;
  /** Runs it on a terminal (a pty). */
  startOnTerminal(args: string[], env?: Record<string, string>): Running;
  close(): Promise<void>;
}

export function openCli(variables: Record<string, string>): Cli {
  const folder = makeScratchFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'posthorn'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  chmodSync(join(bin, 'posthorn'), 0o755);
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    TERM: 'xterm',
    XDG_CONFIG_HOME: join(folder, 'config'),
    POSTHORN_DATA_DIR: join(folder, 'none'),
    ...variables,
  };
  const running = new Set<ChildProcess>();

  function launch(command: string, args: string[], more: Record<string, string> = {}): Running {
    const child = spawn(command, args, { env: { ...env, ...more }, cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    }
    child.stdin.on('error', () => {}); // it ended without reading
    const ended = once(child, 'close').then(([code]) => {
      running.delete(child);
      return code as number | null;
    });
    return {
      stdout: () => output.stdout,
      stderr: () => output.stderr,
      write: (text) => void child.stdin.write(text),
      endInput: () => void child.stdin.end(),
      ended,
      end(signal = 'SIGINT') {
        child.kill(signal);
        return ended;
      },
    };
  }

  let hosted: ReturnType<typeof startHost> | null = null;
  function startHost() {
    const child = fork(host, { env, cwd: folder, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.add(child);
    const waiting = new Map<number, (result: Result) => void>();
    child.on('message', ({ id, ...result }: Result & { id: number }) => waiting.get(id)?.(result));
    child.on('exit', (code) => {
      running.delete(child);
      for (const end of waiting.values()) end({ code, stdout: '', stderr: 'the process of all runs ended' });
    });
    let count = 0;
    return (args: string[], more: Record<string, string>) =>
      new Promise<Result>((resolve) => {
        const id = (count += 1);
        waiting.set(id, resolve);
        child.send({ id, args, env: { ...env, ...more } });
      });
  }

  const cli: Cli = {
    folder,
    env,
    run: (args, options = {}) =>
      options.input === undefined ? (hosted ??= startHost())(args, options.env ?? {}) : cli.runProcess(args, options),
    async runProcess(args, { input = '', env: more = {} } = {}) {
      const child = launch(process.execPath, [main, ...args], more);
      child.write(input);
      child.endInput();
      const code = await child.ended;
      return { code, stdout: child.stdout(), stderr: child.stderr() };
    },
    async json<T>(args: string[], options = {}) {
      const { code, stdout, stderr } = await cli.run([...args, '--json'], options);
      if (code !== 0) throw new Error(`posthorn ${args.join(' ')} exited with ${code}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    start: (args) => launch(process.execPath, [main, ...args]),
    shell: (script, more) => launch('bash', ['-euo', 'pipefail', '-c', script], more),
    startOnTerminal: (args, more) =>
      launch(
        'script',
        ['--quiet', '--return', '--flush', '--command', `posthorn ${args.join(' ')}`, '/dev/null'],
        more,
      ),
    async close() {
      for (const child of running) {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return cli;
}

export interface DoctorCheck {
  name: string;
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  detail: string;
  fix: string | null;
}

/** Runs `posthorn doctor` with these settings. */
export async function runDoctor(settings: Record<string, string>): Promise<DoctorCheck[]> {
  const cli = openCli(settings);
  try {
    const { stdout, stderr } = await cli.runProcess(['doctor', '--json']);
    if (stdout === '') throw new Error(stderr);
    return (JSON.parse(stdout) as { checks: DoctorCheck[] }).checks;
  } finally {
    await cli.close();
  }
}
