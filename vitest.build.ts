import { execFileSync } from 'node:child_process';

/** Builds what is out of date: everything for the e2e tier, for the others only the generated Prisma client. */
export function build(task: 'build' | 'db:generate'): void {
  execFileSync(process.execPath, ['node_modules/turbo/bin/turbo', 'run', task, '--output-logs=errors-only'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  });
}
