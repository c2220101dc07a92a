import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

// Restricted as in docker-compose.yml: a read-only root with a /tmp in memory, no capabilities and no way to get any, own processes.
const CONTAINER = `
  set -e
  root=$1 user=$2 folder=$3; shift 3
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  mount -o remount,bind,ro "$root"
  exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \\
    env --ignore-environment --chdir "$folder" "$@"
`;

/** Runs commands in the image, with its user, folder and environment, on the network of this machine. `onLine` gets their output. */
export function openContainers({ config, files, onLine }) {
  const inNamespaces = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', CONTAINER, 'sh'];

  /** Starts a command. `stop` sends SIGTERM to its process and returns the exit code, as `docker stop` does. */
  function start(name, command, env = {}) {
    const variables = [...config.Env, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)];
    const image = [files, config.User || 'root', config.WorkingDir];
    const child = spawn('unshare', [...inNamespaces, ...image, ...variables, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = [];
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        onLine(`${name}: ${line}`);
      });
    const closed = once(child, 'close').then(([code]) => code);
    const pid = () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
    return {
      output,
      closed,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      /** What the kernel says about its process. */
      status: () => readFileSync(`/proc/${pid()}/status`, 'utf8'),
      mounts: () => readFileSync(`/proc/${pid()}/mountinfo`, 'utf8'),
      /** Runs a command inside, as a health check does. Returns its exit code and output. */
      execute(inside) {
        const at = ['--target', String(pid()), '--mount', '--pid', '--root', `--wd=/proc/${pid()}/cwd`];
        const withEnv = ['env', '--ignore-environment', ...variables, ...inside];
        const { status, stdout, stderr } = spawnSync('nsenter', [...at, ...withEnv], { encoding: 'utf8' });
        return { code: status, output: `${stdout}${stderr}` };
      },
      async stop() {
        process.kill(pid(), 'SIGTERM');
        return closed;
      },
    };
  }

  /** Runs a command to its end. Returns its exit code and output. */
  async function run(name, command, env) {
    const container = start(name, command, env);
    return { code: await container.closed, output: container.output.join('\n') };
  }
  return { start, run };
}
