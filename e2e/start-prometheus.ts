import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '@posthorn/embedded';
import { makeScratchFolder, waitFor } from '@posthorn/testing';

export interface Prometheus {
  /** The values that a PromQL expression has now, without NaN (such as 0 / 0). */
  query(expression: string): Promise<number[]>;
  /** The state of each alert, or the error of its last evaluation. */
  alerts(): Promise<Record<string, 'inactive' | 'pending' | 'firing' | Error>>;
  stop(): Promise<void>;
}

interface Response<T> {
  data: T;
}

export const hasPrometheus = (): boolean => !spawnSync('prometheus', ['--version']).error;

/** Starts the machine's Prometheus. Every second it reads `/metrics` of the targets (host:port) and evaluates the rules. */
export async function startPrometheus(options: { targets: string[]; rules: string }): Promise<Prometheus> {
  const folder = makeScratchFolder();
  const file = join(folder, 'prometheus.yml');
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [options.rules],
    scrape_configs: [{ job_name: 'posthorn', static_configs: [{ targets: options.targets }] }],
  };
  writeFileSync(file, JSON.stringify(config));
  const host = `127.0.0.1:${await findFreePort()}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${host}`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const end = () => void child.kill('SIGTERM');
  process.once('exit', end);
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`http://${host}/api/v1/${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as Response<T>).data;
  }
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(said.join(''));
      return (await fetch(`http://${host}/-/ready`)).ok;
    },
    { what: 'Prometheus to be ready' },
  );
  return {
    async query(expression) {
      const { result } = await get<{ result: { value: [at: number, text: string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result.map(({ value: [, text] }) => Number(text)).filter((value) => !Number.isNaN(value));
    },
    async alerts() {
      interface Rule {
        name: string;
        state: 'inactive' | 'pending' | 'firing';
        health: 'ok' | 'err' | 'unknown';
        lastError?: string;
      }
      const { groups } = await get<{ groups: { rules: Rule[] }[] }>('rules');
      const rules = groups.flatMap((group) => group.rules);
      return Object.fromEntries(
        rules.map(({ name, state, health, lastError }) => [
          name,
          health === 'ok' ? state : new Error(lastError ?? health),
        ]),
      );
    },
    async stop() {
      process.off('exit', end);
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      end();
      await exited;
    },
  };
}
