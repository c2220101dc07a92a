import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnv, settings } from '@posthorn/settings';
import { describe, expect, it } from 'vitest';
import { blocksFor } from '../e2e/docs-blocks.js';
import { units } from './units.js';

const root = fileURLToPath(new URL('../', import.meta.url));

describe.for(units)('deploy/systemd/$file', ({ file, values }) => {
  it('runs a file that the build creates, with the settings of one file', () => {
    const [command = ''] = values('ExecStart');
    const [, app = ''] = /\/usr\/bin\/node (\S+)/.exec(command) ?? [];
    expect(existsSync(root + app.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))).toBe(true);
    for (const [, name = ''] of command.matchAll(/(\w+)=%i/g)) expect(Object.keys(settings)).toContain(name);
    expect(values('EnvironmentFile')).toEqual(['/etc/posthorn/posthorn.env']);
    expect(values('DynamicUser')).toEqual(['yes']);
  });

  it('restarts a process that ends, but no migration, and waits for its shutdown', () => {
    if (values('Type')[0] === 'oneshot') return expect(values('Restart')).toEqual(['no']);
    expect(values('Restart')).toEqual(['always']);
    expect(values('StartLimitIntervalSec')).toEqual(['0']);
    const { shutdownDelayMs, shutdownTimeoutMs } = readEnv({}, ['SHUTDOWN_DELAY_MS', 'SHUTDOWN_TIMEOUT_MS']);
    // A worker gives up 2 s after its timeout.
    expect(Number(values('TimeoutStopSec')[0]) * 1000).toBeGreaterThanOrEqual(
      shutdownDelayMs + shutdownTimeoutMs + 5000,
    );
  });

  it('systemd accepts it and rates its exposure below 2', ({ skip }) => {
    const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    if (analyze('--version').error) {
      const message = '!!! THE UNITS WERE NOT CHECKED: systemd-analyze is missing. Install the package systemd.';
      if (process.env['CI']) throw new Error(message);
      console.warn(message);
      skip(message);
    }
    // It also checks that the command exists.
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-units-'));
    const path = join(folder, file.replace('@.', '@3403.'));
    const text = units.find((unit) => unit.file === file)?.text ?? '';
    writeFileSync(path, text.replace('/opt/posthorn', root).replace('/usr/bin/node', process.execPath));
    const verified = analyze('verify', '--man=no', path);
    // It also reports other units of this machine.
    expect([verified.status, verified.stderr.split('\n').filter((line) => line.includes(folder))]).toEqual([0, []]);
    const [block] = blocksFor('deploy/systemd.test.ts');
    const [, ...rating] = (block?.code ?? '').split(' ').slice(0, -1);
    const rated = analyze(...rating, '--threshold=20', path);
    expect([rated.status, rated.stdout.split('\n').at(-2)]).toEqual([0, expect.stringContaining('OK')]);
    rmSync(folder, { recursive: true });
  });
});
