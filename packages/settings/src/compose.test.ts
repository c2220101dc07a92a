import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnv, type SettingName, settings } from './index.js';
import { namesReadBy, type ProcessName } from './names-read-by.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

// These tests check docker-compose.yml and the Dockerfile without Docker.
const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const exists = (path: string): boolean => existsSync(new URL(`../../../${path}`, import.meta.url));

type Service = {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
  restart?: string;
  init?: boolean;
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  extra_hosts?: string[];
  container_name?: string;
  user?: string;
};
const text = read('docker-compose.yml');
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(text, { merge: true });

function service(name: string): Service {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

/** Substitutes the variables of .env in a value of docker-compose.yml, as Compose does. */
function interpolate(value: string, dotEnv: Record<string, string>): string {
  const next = value.replace(
    /\$\{([A-Z_]+)(?:(:-|:\?|-)([^${}]*))?\}/g,
    (_, name: string, operator = '', other = '') => {
      if (operator === ':?' && !dotEnv[name]) throw new Error(`${name} ${other}`);
      return operator === '-' ? (dotEnv[name] ?? other) : dotEnv[name] || other;
    },
  );
  return next === value ? value : interpolate(next, dotEnv); // a default may contain another variable
}

const environmentOf = (name: string, dotEnv: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service(name).environment ?? {}).map(([key, value]) => [key, interpolate(String(value), dotEnv)]),
  );

const SECRETS = {
  POSTGRES_PASSWORD: 'a1b2c3d4e5f6',
  POSTHORN_OPERATOR_KEY: 'operator-Yb3kq0vTn5Wf8sLr2cXh',
  POSTHORN_ENCRYPTION_KEY: '00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210',
};

/** Internal to the containers: docker-compose.yml sets these, not .env. */
const INSIDE = new Set<SettingName>([
  'QUEUE_BACKEND',
  'API_HOST',
  'API_PORT',
  'BOARD_HOST',
  'BOARD_PORT',
  'WORKER_HEALTH_HOST',
  'WORKER_HEALTH_PORT',
]);
/** Settings that an app can read but does not need here. */
const UNUSED: Record<string, Set<SettingName>> = {
  migrate: new Set<SettingName>(['POSTHORN_DATA_DIR']), // only without a DATABASE_URL
  // BOARD_PASSWORD falls back to the key, and the queue is in Redis.
  board: new Set<SettingName>(['POSTHORN_OPERATOR_KEY', 'DATABASE_URL', 'DATABASE_DIRECT_URL']),
};
/** The addresses of the containers and of the published ports. */
const ADDRESSES = new Set<SettingName>(['DATABASE_URL', 'REDIS_URL', 'POSTHORN_BOARD_URL', 'POSTHORN_API_URL']);

const OURS: ProcessName[] = ['migrate', 'api', 'worker', 'board'];
const LASTING = ['api', 'worker', 'board'] as const satisfies ProcessName[];

describe('docker-compose.yml', () => {
  test('contains Postgres, Redis, the migration and our three apps', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual([
      'api',
      'board',
      'migrate',
      'postgres',
      'redis',
      'worker',
    ]);
  });

  test('Postgres 18 stores its data in a volume at the path its image expects, and its health check uses TCP', () => {
    const { image, volumes, healthcheck, ports } = service('postgres');
    expect(image).toBe('postgres:18');
    expect(volumes).toEqual(['postgres:/var/lib/postgresql']);
    expect(healthcheck?.test.join(' ')).toBe('CMD pg_isready --host=127.0.0.1 --username=posthorn --dbname=posthorn');
    expect(ports).toBeUndefined();
  });

  test('Redis is append-only, never evicts, stores its data in a volume and publishes no port', () => {
    const { image, command, volumes, ports } = service('redis');
    expect(image).toMatch(/^redis:[78]/);
    expect(command?.join(' ')).toBe('redis-server --appendonly yes --maxmemory-policy noeviction');
    expect(volumes).toEqual(['redis:/data']);
    expect(ports).toBeUndefined();
    expect(Object.keys(compose.volumes)).toEqual(['postgres', 'redis']);
  });

  test('the migration runs once after Postgres is healthy; API and workers start after it has succeeded', () => {
    expect(service('migrate').command).toEqual(['node', 'apps/cli/dist/main.js', 'migrate', 'up']);
    expect(service('migrate').restart).toBe('no');
    expect(service('migrate').depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    for (const name of ['api', 'worker']) {
      expect(service(name).depends_on?.migrate).toEqual({ condition: 'service_completed_successfully' });
    }
  });

  test('workers can be scaled: they have no container name and no host port', () => {
    expect(service('worker').ports).toBeUndefined();
    expect(text).not.toContain('container_name');
  });

  test('publishes ports on the loopback address only', () => {
    const published = Object.values(compose.services).flatMap(({ ports }) => ports ?? []);
    expect(published).toHaveLength(2);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test.each(OURS)('%s: uses the same image, an init, a read-only file system and no privileges', (name) => {
    const { image, build, init, read_only, tmpfs, cap_drop } = service(name);
    expect({ image, build, init, read_only, tmpfs, cap_drop }).toEqual({
      image: 'posthorn',
      build: '.',
      init: true,
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
    });
  });

  test.each(OURS)('%s: runs a file that the build creates', (name) => {
    const [node, file = ''] = service(name).command ?? [];
    expect(node).toBe('node');
    expect(exists(file.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))).toBe(true);
  });

  test.each(LASTING)('%s: has a grace period longer than its own shutdown timeouts', (name) => {
    const timing = readEnv(environmentOf(name, SECRETS), [
      'SHUTDOWN_DELAY_MS',
      'SHUTDOWN_TIMEOUT_MS',
      'DELIVERY_TIMEOUT_MS',
    ]);
    const graceSeconds = /^(\d+)s$/.exec(interpolate(service(name).stop_grace_period ?? '', {}))?.[1];
    const ownMs = timing.shutdownDelayMs + timing.shutdownTimeoutMs;
    expect(Number(graceSeconds) * 1000).toBeGreaterThanOrEqual(ownMs + 5000);
    expect(timing.shutdownTimeoutMs).toBeGreaterThanOrEqual(timing.deliveryTimeoutMs + 5000);
  });

  test.each(LASTING)(
    '%s: restarts automatically, reaches the host, and has its health check on the port it listens on',
    (name) => {
      const { restart, extra_hosts, healthcheck, environment } = service(name);
      expect(restart).toBe('unless-stopped');
      expect(extra_hosts).toEqual(['host.docker.internal:host-gateway']);
      const [url = ''] = healthcheck?.test.slice(-1) ?? [];
      const port = environment?.[{ api: 'API_PORT', worker: 'WORKER_HEALTH_PORT', board: 'BOARD_PORT' }[name] ?? ''];
      expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/(livez|readyz)$`));
    },
  );

  test.each(OURS)('%s: gets every setting that its app reads, from .env', (name) => {
    const environment = service(name).environment ?? {};
    const problems = namesReadBy(name)
      .filter((setting) => !INSIDE.has(setting) && !UNUSED[name]?.has(setting))
      .filter((setting) => !String(environment[setting] ?? '').match(new RegExp(`^\\$\\{${setting}[:-]`)))
      .map(
        (setting) =>
          `${name} reads ${setting}, but docker-compose.yml does not pass it on. Add to its environment: ` +
          `${setting}: \${${setting}:-} (or add the setting to INSIDE or UNUSED in compose.test.ts if it has no meaning there)`,
      );
    expect(problems).toEqual([]);
  });

  test.each(OURS)('%s: gets only settings that its app reads', (name) => {
    const known = new Set<string>(namesReadBy(name));
    expect(Object.keys(service(name).environment ?? {}).filter((variable) => !known.has(variable))).toEqual([]);
  });

  test.each(OURS)('%s: uses the default of every setting if .env contains only the secrets', (name) => {
    const environment = environmentOf(name, SECRETS);
    const names = namesReadBy(name).filter((setting) => !INSIDE.has(setting) && !UNUSED[name]?.has(setting));
    const own = names.filter((setting) => environment[setting]).filter((setting) => !ADDRESSES.has(setting));
    expect(own.filter((setting) => !('secret' in settings[setting]))).toEqual([]);
    const { allowPrivateNetworks, requireHttps } = readEnv(environment, ['ALLOW_PRIVATE_NETWORKS', 'REQUIRE_HTTPS']);
    expect([allowPrivateNetworks, requireHttps]).toEqual(['none', true]);
  });

  test('connects to the servers of .env instead of its own containers', () => {
    const own = { DATABASE_URL: 'postgres://a:b@db.example.com/posthorn', REDIS_URL: '', REDIS_SENTINELS: 's1:26379' };
    for (const name of ['api', 'worker']) {
      expect(environmentOf(name, SECRETS)).toMatchObject({
        DATABASE_URL: `postgres://posthorn:${SECRETS.POSTGRES_PASSWORD}@postgres:5432/posthorn`,
        REDIS_URL: 'redis://redis:6379',
        REDIS_SENTINELS: '',
      });
      expect(environmentOf(name, { ...SECRETS, ...own })).toMatchObject(own);
    }
  });

  test('passes a secret, without a default, only to the services that need it', () => {
    const holders = (secret: string) =>
      Object.keys(compose.services).filter((name) =>
        JSON.stringify(service(name).environment ?? {}).includes(`\${${secret}`),
      );
    expect(holders('POSTGRES_PASSWORD')).toEqual(['postgres', 'migrate', 'api', 'worker']);
    expect(holders('POSTHORN_ENCRYPTION_KEY')).toEqual(['api', 'worker']);
    expect(holders('POSTHORN_OPERATOR_KEY')).toEqual(['api', 'board']);
    for (const secret of ['POSTGRES_PASSWORD', 'POSTHORN_ENCRYPTION_KEY', 'POSTHORN_OPERATOR_KEY']) {
      const uses = text.match(new RegExp(`\\$\\{${secret}[:}][^}]*`, 'g')) ?? [];
      expect(uses.length).toBeGreaterThan(0);
      for (const use of uses) expect(use).toContain(`${secret}:?`);
    }
  });

  test('every variable of .env is a setting, the Postgres password or the stop grace period', () => {
    const wanted = [...text.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
    const others = new Set(['POSTGRES_PASSWORD', 'STOP_GRACE_PERIOD']);
    expect(wanted.filter((name) => !others.has(name) && !Object.hasOwn(settings, name))).toEqual([]);
  });
});

describe('deploy/compose/scale.yml', () => {
  const reset = { tag: '!reset', collection: 'seq' as const, resolve: (value: unknown) => value };
  const scaleText = read('deploy/compose/scale.yml');
  const scale: {
    services: Record<string, Service & { deploy?: { replicas: number }; networks?: string[] }>;
    networks: { proxy: { ipam: { config: { subnet: string }[] } } };
  } = parse(scaleText, { customTags: [reset] });
  const proxy = read('deploy/compose/haproxy.cfg');

  test('adds only a proxy, and settings that the app reads', () => {
    expect(Object.keys(scale.services).filter((name) => !compose.services[name])).toEqual(['proxy']);
    for (const [name, { environment = {} }] of Object.entries(scale.services)) {
      const process = OURS.find((own) => own === name);
      const known = process ? namesReadBy(process) : [];
      expect(Object.keys(environment).filter((variable) => !known.some((setting) => setting === variable))).toEqual([]);
    }
    const named = [...scaleText.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(settings, name))).toEqual([]);
  });

  test('starts several APIs and workers, which fit into the connections of Postgres', () => {
    const { api, worker, postgres } = scale.services;
    const processes = (api?.deploy?.replicas ?? 1) + (worker?.deploy?.replicas ?? 1);
    expect(api?.deploy?.replicas).toBeGreaterThan(1);
    expect(worker?.deploy?.replicas).toBeGreaterThan(1);
    const { databasePoolSize } = readEnv(environmentOf('worker', SECRETS), ['DATABASE_POOL_SIZE']);
    const most = Number(/max_connections=(\d+)/.exec(postgres?.command?.join(' ') ?? '')?.[1]);
    expect(processes * (databasePoolSize + 1) + 10).toBeLessThanOrEqual(most);
  });

  test('only the proxy publishes the API, on the loopback address, and the APIs trust its network alone', () => {
    expect(scale.services['api']?.ports).toEqual([]);
    expect(scale.services['proxy']?.ports).toEqual(['127.0.0.1:${API_PORT:-3400}:8080']);
    const subnet = scale.networks.proxy.ipam.config[0]?.subnet;
    expect(scale.services['api']?.environment).toEqual({ TRUSTED_PROXIES: `\${TRUSTED_PROXIES:-${subnet}}` });
  });

  test('it can be added to a running system: the network of the other containers stays, so they still find each other', () => {
    expect(Object.keys(scale.networks)).toEqual(['proxy']);
    expect(scale.services['proxy']?.networks).toEqual(['proxy']);
    expect(scale.services['api']?.networks).toEqual(['default', 'proxy']);
  });

  test('the proxy sends requests to ready APIs of the service, and leaves one out before it closes its port', () => {
    expect(proxy).toMatch(/server-template api \d+ api:3400$/m);
    expect(proxy).toMatch(/option httpchk GET \/readyz$/m);
    const [, everySeconds, failures] = /check inter (\d+)s .*fall (\d+)/.exec(proxy) ?? [];
    const { shutdownDelayMs } = readEnv(environmentOf('api', SECRETS), ['SHUTDOWN_DELAY_MS']);
    expect(Number(everySeconds) * Number(failures) * 1000).toBeLessThan(shutdownDelayMs);
  });

  test('Compose and HAProxy accept the files', ({ skip }) => {
    const run = (command: string, args: string[], cwd?: string) => {
      const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
      if (error) {
        const message = `!!! THE COMPOSE FILES WERE NOT CHECKED: ${command} is missing. CONTRIBUTING.md says where it is from.`;
        if (process.env['CI']) throw new Error(message);
        console.warn(message);
        skip(message);
      }
      expect([status, stderr]).toEqual([0, expect.any(String)]);
      return stdout;
    };
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-compose-'));
    const files = ['docker-compose.yml', 'deploy/compose/scale.yml'];
    mkdirSync(join(folder, dirname(files[1] ?? '')), { recursive: true });
    for (const file of files) writeFileSync(join(folder, file), interpolate(read(file), SECRETS));
    run('compose-go', ['-format', 'json', 'docker-compose.yml'], folder);
    const merged: { services: Record<string, { ports?: object[]; environment: string[] }> } = JSON.parse(
      run('compose-go', ['-format', 'json', ...files], folder),
    );
    rmSync(folder, { recursive: true });
    expect(Object.keys(merged.services).toSorted()).toEqual([...Object.keys(compose.services), 'proxy'].toSorted());
    expect(merged.services['api']?.ports).toBeUndefined();
    const changed = ['API_PORT=3400', 'TRUSTED_PROXIES=172.30.34.0/24'];
    expect(merged.services['api']?.environment).toEqual(expect.arrayContaining(changed));
    run('haproxy', ['-c', '-f', 'deploy/compose/haproxy.cfg'], fileURLToPath(new URL('../../../', import.meta.url)));
  });
});

describe('Dockerfile', () => {
  const stages = read('Dockerfile')
    .replace(/^\s*#.*$/gm, '')
    .replace(/\\\n/g, ' ')
    .split(/^FROM /m)
    .slice(1);
  const final = stages.at(-1) ?? '';

  test('builds on one slim Node image, in stages, and runs as a user other than root', () => {
    for (const stage of stages) expect(stage).toMatch(/^(--platform=\$BUILDPLATFORM )?node:24-slim( AS \w+)?\n/);
    expect(stages.length).toBeGreaterThan(2);
    expect(final).toMatch(/\nUSER node\n/);
    expect(final.indexOf('COPY')).toBeLessThan(final.indexOf('USER node'));
  });

  test('the image contains no build tools: no installed packages, no Prisma CLI, no embedded Postgres', () => {
    expect(final).not.toMatch(/^RUN/m);
    const modules = stages.find((stage) => /node:24-slim AS modules/.test(stage)) ?? '';
    expect(modules).toMatch(/npm ci --omit=dev --omit=optional/);
    expect(final.match(/--from=(\w+)/g)).toEqual(['--from=modules', '--from=build']);
    const root = JSON.parse(read('package.json'));
    expect(Object.keys(root.devDependencies)).toContain('prisma');
    expect(root.dependencies ?? {}).toEqual({});
  });

  test('copies every workspace’s manifest before packages are installed, so npm and turbo see the same workspaces', () => {
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] };
    for (const workspace of workspaces) expect(stages[0]).toContain(`${workspace}/package.json`);
    const ignored = read('.dockerignore').split('\n');
    for (const workspace of workspaces) expect(ignored).not.toContain(workspace);
  });

  test('has labels, with the version of package.json, and a health check', () => {
    const { version, description } = JSON.parse(read('package.json')) as { version: string; description: string };
    expect(final).toContain(`org.opencontainers.image.version="${version}"`);
    expect(final).toContain(`org.opencontainers.image.description="${description}"`);
    expect(final).toMatch(/^HEALTHCHECK .*"apps\/cli\/dist\/main.js", "healthcheck"\]$/m);
  });

  test('keeps the query compiler that the generated client imports', () => {
    const bundled = read('packages/core/src/generated/prisma/internal/class.ts');
    expect(bundled).toMatch(/@prisma\/client\/runtime\/query_compiler_fast_bg\.postgresql\.mjs/);
  });

  test('contains the files that the apps read at run time', () => {
    for (const path of ['prisma/migrations', 'packages/tokens/tokens.css']) {
      expect(exists(path)).toBe(true);
      expect(stages.join('\n')).toContain(path);
    }
  });

  test('excludes secrets, local data and build output of the host', () => {
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', '**/dist', '.git', '.posthorn', '.env*']));
  });
});
