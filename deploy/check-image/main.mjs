// The check itself; ../check-image.mjs starts it. Arguments: a folder for temporary files, and one for the layers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort, startPostgres, startRedis } from '@posthorn/embedded';
import { openEndpoint, waitFor } from '@posthorn/testing';
import { parse } from 'yaml';
import { buildImage } from './build-image.mjs';
import { openContainers } from './open-containers.mjs';

const [scratch, store] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
const lastLines = [];

try {
  await checkImage();
  console.log('\nThe image works.');
  process.exit(0);
} catch (error) {
  console.error(`\nThe image check failed. Last lines of its processes:\n${lastLines.join('\n')}\n`, error);
  process.exit(1);
}

async function checkImage() {
  const { config, layers, files } = buildImage({ root, store, scratch });
  report(`labels: ${config.Labels['org.opencontainers.image.title']} ${readLabelledVersion(config)}`);
  const bill = JSON.parse(readFileSync(join(files, 'app/sbom.cdx.json'), 'utf8'));
  assert.equal(bill.metadata.component.version, readLabelledVersion(config));
  report(`sbom.cdx.json: ${bill.components.length} packages`);
  const containers = openContainers({ config, files, onLine: keepLine });
  const { settings, ports } = await startServers();

  const migrated = await containers.run('migrate', services.migrate.command, settings);
  assert.equal(migrated.code, 0, 'the migrations fail');
  report('migrate up: succeeds');

  const doctor = await containers.run('doctor', ['node', 'apps/cli/dist/main.js', 'doctor'], settings);
  assert.equal(doctor.code, 0, doctor.output);
  report('posthorn doctor: finds no problem');

  const running = {};
  for (const name of ['api', 'worker', 'board']) {
    running[name] = containers.start(name, services[name].command, settings);
    await waitUntilHealthy({ name, ports, settings, containers, container: running[name] });
    checkRestrictions(name, running[name]);
    const { code, output } = running[name].execute([...config.Healthcheck.Test.slice(1), '--json']);
    assert.equal(code, 0, output);
    assert.ok(output.includes(`127.0.0.1:${ports[name]}/`), output);
    report(`${name}: passes the HEALTHCHECK of the image`);
  }
  await checkOwnHealthCheck({ config, containers, settings });
  await checkPages({ ports, settings });
  await deliver({ ports, settings });
  const refused = await containers.run('write', ['node', '-e', "fs.writeFileSync('written', '')"]);
  assert.match(refused.output, /EROFS/);
  report('root file system: read-only');

  for (const [name, container] of Object.entries(running)) assert.equal(await container.stop(), 0, `${name} exits`);
  report('SIGTERM: each process ends with exit code 0');

  console.log('\nLayers above the base image, uncompressed:');
  for (const { bytes, command } of layers) console.log(`${megabytes(bytes)}  ${command}`);
  console.log(`${megabytes(layers.reduce((sum, { bytes }) => sum + bytes, 0))}  together`);
}

/** Starts Postgres and Redis, and returns the settings of all processes, with free ports. */
async function startServers() {
  const postgres = await startPostgres({ directory: join(scratch, 'postgres'), log: keepLine });
  const redis = await startRedis({ directory: join(scratch, 'redis'), log: keepLine });
  const ports = { api: await findFreePort(), worker: await findFreePort(), board: await findFreePort() };
  const settings = {
    DATABASE_URL: postgres.url,
    QUEUE_BACKEND: 'redis',
    REDIS_URL: redis.url,
    POSTHORN_OPERATOR_KEY: randomBytes(24).toString('base64url'),
    POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8',
    REQUIRE_HTTPS: 'false',
    SHUTDOWN_DELAY_MS: '0',
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    WORKER_HEALTH_HOST: '127.0.0.1',
    WORKER_HEALTH_PORT: String(ports.worker),
    BOARD_HOST: '127.0.0.1',
    BOARD_PORT: String(ports.board),
  };
  return { settings, ports };
}

/** The health check of docker-compose.yml, with the port of this run. */
async function waitUntilHealthy({ name, ports, settings, containers, container }) {
  const [, ...test] = services[name].healthcheck.test.map((part) =>
    part.replace(/(127\.0\.0\.1):\d+/, `$1:${ports[name]}`),
  );
  await waitFor(
    async () => container.hasEnded() || (await containers.run(`${name} health`, test, settings)).code === 0,
    { what: `${name} to be healthy` },
  );
  assert.ok(!container.hasEnded(), `${name} ended`);
  report(`${name}: healthy (${test.slice(1).join(' ')})`);
}

async function checkOwnHealthCheck({ config, containers, settings }) {
  const [, ...test] = config.Healthcheck.Test;
  const { code, output } = await containers.run('HEALTHCHECK', test, settings);
  assert.equal(code, 0, output);
  const withoutApi = await containers.run('HEALTHCHECK', test, { ...settings, API_PORT: String(await findFreePort()) });
  assert.equal(withoutApi.code, 1, 'HEALTHCHECK passes without an API');
  report('HEALTHCHECK of the image: passes for the API, fails without it');
}

/** What the kernel says: the user `node`, a read-only root, no capabilities. */
function checkRestrictions(name, container) {
  const status = container.status();
  assert.match(status, /^Uid:\s+1000\s+1000\s+1000\s+1000$/m, `${name} does not run as node`);
  for (const set of ['CapEff', 'CapPrm', 'CapBnd']) assert.match(status, new RegExp(`^${set}:\\s+0+$`, 'm'));
  assert.match(status, /^NoNewPrivs:\s+1$/m);
  assert.match(container.mounts(), /^\S+ \S+ \S+ \S+ \/ ro[, ]/m, `${name} has a writable root`);
  report(`${name}: user node, root file system read-only, no capabilities`);
}

/** The files that the apps serve, and Bull Board's, which are in node_modules. */
async function checkPages({ ports, settings }) {
  const api = `http://127.0.0.1:${ports.api}`;
  for (const path of ['/', '/docs/', '/docs/operate', '/openapi.json']) await get(`${api}${path}`);
  const board = `http://127.0.0.1:${ports.board}`;
  const login = await fetch(`${board}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: board },
    body: new URLSearchParams({ password: settings.POSTHORN_OPERATOR_KEY, next: '/' }),
  });
  const headers = { cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  const page = await get(`${board}/`, headers);
  const [script] = /static\/[^"]+\.js/.exec(page) ?? assert.fail('Bull Board has no script');
  await get(`${board}/${script}`, headers);
  await get(`${board}/api/queues`, headers);
  report('pages: console, documentation, OpenAPI document and Bull Board load');
}

async function deliver({ ports, settings }) {
  const endpoint = await openEndpoint();
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${ports.api}/v1/accounts/image${path}`, {
      method,
      headers: { authorization: `Bearer ${settings.POSTHORN_OPERATOR_KEY}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  await call('PUT', '', {});
  const { id } = await call('POST', '/subscriptions', { url: endpoint.url });
  const isActive = async () => (await call('GET', `/subscriptions/${id}`)).status === 'active';
  await waitFor(isActive, { what: 'the verification' });
  const event = await call('POST', '/events', { event: 'message:created', payload: { from: 'the image' } });
  const isDelivered = async () => {
    const { data } = await call('GET', `/deliveries?event=${event.id}`);
    return data[0]?.status === 'succeeded';
  };
  await waitFor(isDelivered, { what: 'the delivery' });
  assert.equal(endpoint.events.length, 1);
  assert.equal(String(endpoint.events[0].rawBody), '{"event":"message:created","payload":{"from":"the image"}}');
  await endpoint.close();
  report('delivery: one event arrives once, with the published bytes');
}

async function get(url, headers = {}) {
  const response = await fetch(url, { headers });
  const text = await response.text();
  assert.equal(response.status, 200, `${url}: ${response.status} ${text.slice(0, 200)}`);
  return text;
}

function readLabelledVersion({ Labels }) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.equal(Labels['org.opencontainers.image.version'], version);
  return version;
}

function keepLine(line) {
  lastLines.push(line);
  if (lastLines.length > 60) lastLines.shift();
}

function report(line) {
  console.log(`✓ ${line}`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;
}
