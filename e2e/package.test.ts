import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeScratchFolder, waitFor } from '@posthorn/testing';
import { afterAll, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = makeScratchFolder();
const project = join(folder, 'project');
const WAIT_MS = 280_000; // only reached if the condition never becomes true
let stack: ChildProcess | null = null;
afterAll(async () => {
  if (stack?.exitCode === null && stack.signalCode === null) {
    process.kill(-(stack.pid ?? 0), 'SIGKILL');
    await once(stack, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? folder, // npm's cache
  XDG_CONFIG_HOME: join(folder, 'config'),
  API_PORT: '0',
  BOARD_PORT: '0',
  DEMO_PORT: '0',
};

it('the packages install into an empty folder; npx posthorn dev starts everything and delivers an event', async () => {
  const { stdout } = await run(process.execPath, [join(root, 'apps/cli/pack.mjs'), join(folder, 'packed')]);
  const tarballs = stdout.trim().split('\n');
  expect(tarballs.map((path) => path.replace(/^.*\//, ''))).toEqual([
    'posthorn-0.1.0.tgz',
    'posthorn-client-0.1.0.tgz',
  ]);
  mkdirSync(project);
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs];
  await run('npm', install, { cwd: project, env });

  // `npx` runs the command of the installed package, without a network.
  stack = spawn('npx', ['--no', 'posthorn', 'dev', '--json'], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C in a terminal reaches the process group
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    stack[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  await waitFor(() => output.stderr.includes('Ctrl-C stops it.') || stack?.exitCode !== null, {
    what: 'the start',
    timeoutMs: WAIT_MS,
  });
  const { apiUrl, consoleUrl, demoUrl } = JSON.parse(output.stdout) as Record<
    'apiUrl' | 'consoleUrl' | 'demoUrl',
    string
  >;
  const readStatus = async () =>
    (await (await fetch(`${demoUrl}/status.json`)).json()) as { delivered: { signature: string } | null };
  await waitFor(async () => (await readStatus()).delivered?.signature === 'valid', {
    what: 'the first delivery',
    timeoutMs: WAIT_MS,
  });
  expect(await (await fetch(consoleUrl)).text()).toContain('<title>');

  const command = join(project, 'node_modules/.bin/posthorn'); // what npx runs
  const trigger = ['trigger', 'message:created', '--wait', '--timeout', '4m', '--json'];
  const triggered = await run(command, trigger, { cwd: project, env });
  const lines = triggered.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toEqual([
    expect.objectContaining({ type: 'event' }),
    expect.objectContaining({ type: 'delivery', status: 'succeeded' }),
  ]);

  // The client, as another package of the same folder.
  writeFileSync(
    join(project, 'publish.mjs'),
    `import { readFileSync } from 'node:fs';
     import { Posthorn } from '@posthorn/client';
     const { operatorKey: apiKey } = JSON.parse(readFileSync('.posthorn/local.json'));
     const posthorn = new Posthorn({ url: ${JSON.stringify(apiUrl)}, apiKey });
     const { deliveries } = await posthorn.publish('demo', { event: 'message:created', payload: { body: 'Hello' } });
     console.log(deliveries);`,
  );
  expect((await run(process.execPath, ['publish.mjs'], { cwd: project, env })).stdout).toBe('1\n');

  const doctor = await run(command, ['doctor', '--json'], { cwd: project, env });
  expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });

  process.kill(-(stack.pid ?? 0), 'SIGINT'); // npx ends at once, the stack in order
  await waitFor(() => output.stderr.includes('\nStopped.'));
}, 1_200_000);
