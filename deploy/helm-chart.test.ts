import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QUEUE_NAMES } from '@posthorn/jobs';
import { type SettingName, settingNames, settings } from '@posthorn/settings';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { blocksFor } from '../e2e/docs-blocks.js';
import { findProblems } from './find-problems.js';
import { metricSeries } from './metric-series.js';

// Tests of the Helm chart, without a cluster. Those that render it need what deploy/helm/install-tools.mjs installs.

const root = fileURLToPath(new URL('../', import.meta.url));
const chart = `${root}deploy/helm/posthorn`;
const tools = `${root}deploy/.tools`;
const helm = existsSync(`${tools}/helm/helm`) ? `${tools}/helm/helm` : 'helm';
const read = (path: string): string => readFileSync(root + path, 'utf8');

interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string; optional?: boolean } };
}
interface Probe {
  httpGet: { path: string; port: string };
}
interface PodSpec {
  securityContext: object;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  terminationGracePeriodSeconds?: number;
  topologySpreadConstraints?: { labelSelector: { matchLabels: Record<string, string> } }[];
  volumes: { name: string }[];
  containers: {
    name: string;
    image: string;
    command: string[];
    env: EnvVar[];
    securityContext: object;
    ports?: { name: string; containerPort: number }[];
    volumeMounts: { name: string; mountPath: string }[];
    startupProbe?: Probe;
    livenessProbe?: Probe;
    readinessProbe?: Probe;
  }[];
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  data?: Record<string, string>;
  // oxlint-disable-next-line typescript/no-explicit-any -- as deep as Kubernetes' objects; the schemas check them
  spec?: any;
}

const SECRETS = {
  DATABASE_URL: 'postgres://posthorn:pass@db.example.com:5432/posthorn',
  POSTHORN_OPERATOR_KEY: 'operator-Yb3kq0vTn5Wf8sLr2cXh',
  POSTHORN_ENCRYPTION_KEY: '00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210',
};
const IMAGE = { repository: 'registry.example.com/posthorn' };
const REQUIRED = { image: IMAGE, existingSecret: 'posthorn' };
const MINIMAL = {
  ...REQUIRED,
  api: { replicas: 1, podDisruptionBudget: { minAvailable: 1 }, topologySpreadConstraints: [], resources: null },
  worker: { replicas: 1, podDisruptionBudget: null, topologySpreadConstraints: [], resources: null },
  board: { enabled: false },
  migrate: { enabled: false },
};
const EVERYTHING = {
  image: { ...IMAGE, digest: `sha256:${'0a'.repeat(32)}`, pullSecrets: [{ name: 'registry' }] },
  settings: { PUBLIC_URL: 'https://webhooks.example.org/', EXTRA_CA_CERTS: '/ca/ca.pem' },
  secrets: SECRETS,
  secretRefs: { REDIS_URL: { name: 'redis', key: 'url' } },
  extraEnv: [{ name: 'NODE_OPTIONS', value: '--enable-source-maps' }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/ca', readOnly: true }],
  api: {
    autoscaling: { mode: 'cpu' },
    podAnnotations: { a: 'b' },
    podLabels: { team: 'a' },
    nodeSelector: { disk: 'ssd' },
  },
  worker: {
    autoscaling: {
      mode: 'keda',
      keda: { prometheusUrl: 'http://prometheus:9090', authenticationRef: { name: 'prometheus' } },
    },
    tolerations: [{ key: 'spot', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
  },
  ingress: {
    enabled: true,
    className: 'nginx',
    hosts: ['webhooks.example.org'],
    tls: [{ hosts: ['webhooks.example.org'], secretName: 'tls' }],
  },
  networkPolicy: { enabled: true, egress: { services: [{ ipBlock: { cidr: '10.1.0.0/16' } }] } },
  monitoring: {
    serviceMonitor: { enabled: true },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    dashboards: { enabled: true },
  },
};
const HPA = { ...REQUIRED, worker: { autoscaling: { mode: 'hpa', metricLabels: { release: 'hooks' } } } };

const runHelm = (values: object) =>
  spawnSync(helm, ['template', 'hooks', chart, '--namespace', 'messaging', '--values', '-'], {
    input: JSON.stringify(values), // which is YAML
    encoding: 'utf8',
  });

function render(values: object): Manifest[] {
  const { status, stdout, stderr } = runHelm(values);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

const find = (manifests: Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  return found ?? expect.fail(`no ${kind} ${name}`);
};
const podOf = (manifest: Manifest): PodSpec => manifest.spec.template.spec as PodSpec;
const containerOf = (manifest: Manifest) => podOf(manifest).containers[0] ?? expect.fail('no container');

const PROCESSES = ['api', 'worker', 'board', 'migrate'] as const;
const processOf = (manifests: Manifest[], name: string): Manifest =>
  find(manifests, name === 'migrate' ? 'Job' : 'Deployment', `hooks-posthorn-${name}`);

const catalogue = JSON.parse(read('deploy/helm/posthorn/files/settings.json')) as {
  processes: Record<(typeof PROCESSES)[number], SettingName[]>;
  secret: SettingName[];
};
const isSecret = (name: SettingName): boolean => catalogue.secret.includes(name);

describe('the files of the chart', () => {
  it('the app has the version of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(parse(read('deploy/helm/posthorn/Chart.yaml'))).toMatchObject({ appVersion: version });
  });

  it('the schema describes every value, and accepts those of values.yaml', () => {
    const schema = JSON.parse(read('deploy/helm/posthorn/values.schema.json')) as object;
    const validate = new Ajv2020({ strict: false }).compile(schema);
    void validate(parse(read('deploy/helm/posthorn/values.yaml')));
    expect(validate.errors).toBeNull();
    expect(undescribed(schema)).toEqual([]);
  });

  it('every setting can be set, except those of the local stack, the demo and the commands of the CLI', () => {
    const offered = new Set(Object.values(catalogue.processes).flat());
    expect(settingNames.filter((name) => !offered.has(name)).toSorted()).toEqual([
      'DEMO_HOST',
      'DEMO_PORT',
      'POSTHORN_ACCOUNT',
      'POSTHORN_API_KEY',
      'POSTHORN_DATA_DIR',
      'POSTHORN_PROFILE',
      'POSTHORN_URL',
      'WORKERS',
    ]);
  });
});

/** Paths of values that have no description. Values of a list of peers or of a budget belong to Kubernetes. */
function undescribed(schema: object, path = ''): string[] {
  const { properties = {} } = schema as { properties?: Record<string, { description?: string; $ref?: string }> };
  return Object.entries(properties).flatMap(([name, value]) => {
    const here = `${path}.${name}`;
    if (here.endsWith('podDisruptionBudget')) return [];
    return [...(value.description ? [] : [here]), ...undescribed(value, here)];
  });
}

const isInstalled = existsSync(`${tools}/definitions`);
if (!isInstalled) {
  const message = '!!! THE TESTS OF THE HELM CHART DID NOT RUN: run node deploy/helm/install-tools.mjs';
  if (process.env['CI']) throw new Error(message);
  console.warn(message);
}

describe.skipIf(!isInstalled)('the rendered chart', () => {
  let everything: Manifest[];
  let settingsOfAll: Manifest[];
  let findErrors: FindErrors;
  beforeAll(() => {
    findErrors = openSchemas('v1.37.0');
    everything = render(EVERYTHING);
    settingsOfAll = render({ image: IMAGE, settings: SAMPLES.settings, secrets: SAMPLES.secrets });
  });

  it('Kubernetes 1.27 and 1.37, KEDA and the Prometheus operator accept every object, and know each of its fields', () => {
    const rendered = [...[REQUIRED, MINIMAL, HPA].flatMap(render), ...everything, ...settingsOfAll];
    expect(rendered.flatMap(findErrors)).toEqual([]);
    expect(rendered.flatMap(openSchemas('v1.27.0'))).toEqual([]);
    for (const kind of ['ScaledObject', 'ServiceMonitor', 'PrometheusRule', 'Ingress', 'NetworkPolicy', 'Job'])
      expect(everything.map((manifest) => manifest.kind)).toContain(kind);
  });

  it('an unknown field or a wrong type in any object is an error', () => {
    for (const manifest of everything) {
      expect(findErrors({ ...manifest, spek: {} } as Manifest)).not.toEqual([]);
      const { spec } = manifest;
      if (spec) expect(findErrors({ ...manifest, spec: { ...spec, replicaz: 1 } })).not.toEqual([]);
    }
    const worker = structuredClone(processOf(everything, 'worker'));
    Object.assign(containerOf(worker).readinessProbe ?? {}, { periodSecond: 3 });
    expect(findErrors(worker)).not.toEqual([]);
    const scaled = structuredClone(find(everything, 'ScaledObject', 'hooks-posthorn-worker'));
    scaled.spec.triggers[0].metadata.threshold = 50;
    expect(findErrors(scaled)).not.toEqual([]);
  });

  it('every setting of a process reaches its environment; secrets only from a Secret', () => {
    for (const process of PROCESSES) {
      const env = containerOf(processOf(settingsOfAll, process)).env;
      const expected = catalogue.processes[process]
        .filter((name) => process !== 'board' || !name.startsWith('DATABASE_')) // the sample's queue is in Redis
        .map((name) => [name, isSecret(name) ? SAMPLES.secrets[name] : String(SAMPLES.settings[name])]);
      const secretName = process === 'migrate' ? 'hooks-posthorn-migrate' : 'hooks-posthorn';
      const secret = find(settingsOfAll, 'Secret', secretName).data ?? {};
      const found = env.map(({ name, value, valueFrom }) => {
        expect(value === undefined).toBe(isSecret(name as SettingName));
        if (!valueFrom) return [name, value];
        expect(valueFrom.secretKeyRef.name).toBe(secretName);
        return [name, Buffer.from(secret[valueFrom.secretKeyRef.key] ?? '', 'base64').toString()];
      });
      expect(found).toEqual(expected);
    }
    const others = settingsOfAll.filter(({ kind }) => kind !== 'Secret').map((manifest) => JSON.stringify(manifest));
    for (const secret of Object.values(SAMPLES.secrets)) expect(others.join()).not.toContain(secret);
  });

  it('the Secret of the migrations has only what they read', () => {
    const names = Object.keys(find(settingsOfAll, 'Secret', 'hooks-posthorn-migrate').data ?? {});
    expect(names.toSorted()).toEqual(catalogue.processes.migrate.filter(isSecret).toSorted());
    expect(names).not.toContain('POSTHORN_ENCRYPTION_KEY');
  });

  it('a setting of one process overrides the common one; false, 0 and large numbers stay as they are', () => {
    const manifests = render({
      ...REQUIRED,
      settings: {
        DATABASE_POOL_SIZE: 10,
        REQUIRE_HTTPS: false,
        OTEL_METRIC_EXPORT_INTERVAL: 1_000_000,
        SESSION_HOURS: 0.5,
      },
      api: { settings: { DATABASE_POOL_SIZE: 20, SHUTDOWN_DELAY_MS: 0, API_PORT: 8080 } },
    });
    const [api, worker] = ['api', 'worker'].map((name) =>
      Object.fromEntries(containerOf(processOf(manifests, name)).env.map(({ name: key, value }) => [key, value])),
    );
    expect(api).toMatchObject({ DATABASE_POOL_SIZE: '20', REQUIRE_HTTPS: 'false', SHUTDOWN_DELAY_MS: '0' });
    expect(api).toMatchObject({ OTEL_METRIC_EXPORT_INTERVAL: '1000000', SESSION_HOURS: '0.5' });
    expect(worker).toMatchObject({ DATABASE_POOL_SIZE: '10' });
    expect(containerOf(processOf(manifests, 'api')).ports).toEqual([{ name: 'http', containerPort: 8080 }]);
    expect(podOf(processOf(manifests, 'api')).terminationGracePeriodSeconds).toBe(40);
  });

  it('a Secret of the operator: required settings must be in it, others may be', () => {
    const refs = containerOf(processOf(render(REQUIRED), 'worker')).env.flatMap(
      ({ valueFrom }) => valueFrom?.secretKeyRef ?? [],
    );
    expect(new Set(refs.map(({ name }) => name))).toEqual(new Set(['posthorn']));
    const needed = refs.filter(({ optional }) => !optional).map(({ key }) => key);
    expect(needed).toEqual(['DATABASE_URL', 'POSTHORN_ENCRYPTION_KEY']);
    const redis = containerOf(processOf(everything, 'board')).env.find(({ name }) => name === 'REDIS_URL');
    expect(redis?.valueFrom?.secretKeyRef).toEqual({ name: 'redis', key: 'url' });
  });

  it('pods run as the user 1000 without privileges, with a read-only root file system', () => {
    for (const process of PROCESSES) {
      const pod = podOf(processOf(everything, process));
      const [container] = pod.containers;
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(container?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container?.volumeMounts).toContainEqual({ name: 'tmp', mountPath: '/tmp' });
      expect([pod.automountServiceAccountToken, pod.enableServiceLinks]).toEqual([false, false]);
      const [node, file = ''] = container?.command ?? [];
      expect([node, existsSync(root + file.replace('/dist/', '/src/').replace(/\.js$/, '.ts'))]).toEqual([
        'node',
        true,
      ]);
    }
  });

  it('/livez restarts, /readyz decides about requests, on the default port of the process', () => {
    const ports = { api: settings.API_PORT, worker: settings.WORKER_HEALTH_PORT, board: settings.BOARD_PORT };
    const manifests = render(REQUIRED);
    for (const [process, port] of Object.entries(ports)) {
      const { startupProbe, livenessProbe, readinessProbe, ports: own } = containerOf(processOf(manifests, process));
      const paths = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet);
      expect(paths).toEqual(['/livez', '/livez', '/readyz'].map((path) => ({ path, port: 'http' })));
      expect(own).toEqual([{ name: 'http', containerPort: Number(port.default) }]);
    }
    expect(containerOf(processOf(manifests, 'board')).env).toContainEqual({ name: 'BOARD_HOST', value: '0.0.0.0' });
  });

  it('Kubernetes waits longer for the end of a process than the process itself', () => {
    const graces = (values: object) => {
      const manifests = render({ ...REQUIRED, ...values });
      return ['api', 'worker', 'board'].map((name) => podOf(processOf(manifests, name)).terminationGracePeriodSeconds);
    };
    expect(graces({})).toEqual([45, 40, 40]);
    expect(graces({ settings: { SHUTDOWN_TIMEOUT_MS: 60_100, SHUTDOWN_DELAY_MS: 10_000 } })).toEqual([86, 76, 76]);
    expect(graces({ worker: { terminationGracePeriodSeconds: 300 } })).toEqual([45, 300, 40]);
  });

  it('migrations run before each installation and upgrade, with nothing that Helm creates later', () => {
    const job = processOf(everything, 'migrate');
    const secret = find(everything, 'Secret', 'hooks-posthorn-migrate');
    for (const { metadata } of [job, secret])
      expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const weights = [secret, job].map(({ metadata }) => Number(metadata.annotations?.['helm.sh/hook-weight']));
    expect(weights).toEqual(weights.toSorted((a, b) => a - b));
    expect(weights[0]).not.toBe(weights[1]);
    const refs = containerOf(job).env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.name ?? []);
    expect(new Set(refs)).toEqual(new Set(['hooks-posthorn-migrate', 'redis']));
    expect(containerOf(job).command).toEqual(['node', 'apps/cli/dist/main.js', 'migrate', 'up']);
  });

  it('KEDA counts waiting jobs and the age of the next, from metrics that exist, and never delayed jobs', () => {
    const { spec } = find(everything, 'ScaledObject', 'hooks-posthorn-worker');
    const triggers = spec.triggers as { metricType: string; metadata: { query: string } }[];
    expect(triggers.map(({ metricType }) => metricType)).toEqual(['AverageValue', 'Value']);
    for (const { metadata } of triggers) expectScalingQuery(metadata.query);
    expect(triggers.map(({ metadata }) => metadata.query)).toEqual([
      expect.stringContaining('posthorn_queue_jobs'),
      expect.stringContaining('posthorn_queue_oldest_waiting_seconds'),
    ]);
    expect(processOf(everything, 'worker').spec).not.toHaveProperty('replicas');
  });

  it('the HorizontalPodAutoscaler uses the metrics that docs/kubernetes.md defines', () => {
    const { spec } = find(render(HPA), 'HorizontalPodAutoscaler', 'hooks-posthorn-worker');
    const used = (spec.metrics as { external: { metric: { name: string; selector: object } } }[]).map(
      ({ external }) => external.metric,
    );
    const [adapter] = blocksFor('deploy/helm-chart.test.ts').filter(({ code }) => code.includes('metricsQuery'));
    const { rules } = parse(adapter?.code ?? '') as {
      rules: { external: { name: { as: string }; metricsQuery: string }[] };
    };
    expect(used.map(({ name }) => name)).toEqual(rules.external.map(({ name }) => name.as));
    expect(used[0]?.selector).toEqual({ matchLabels: { release: 'hooks' } });
    for (const { metricsQuery } of rules.external)
      expectScalingQuery(metricsQuery.replace('<<.LabelMatchers>>', 'namespace="a"'));
  });

  it('the objects select the pods of their own process', () => {
    for (const manifest of everything) {
      const { kind, metadata, spec } = manifest;
      const selectors = [
        kind === 'Service' && spec.selector,
        ['Deployment', 'PodDisruptionBudget'].includes(kind) && spec.selector.matchLabels,
        kind === 'NetworkPolicy' && spec.podSelector.matchLabels,
        ...(spec?.template?.spec.topologySpreadConstraints ?? []).map(
          (constraint: { labelSelector: { matchLabels: object } }) => constraint.labelSelector.matchLabels,
        ),
      ].filter(Boolean);
      const process = metadata.labels['app.kubernetes.io/component'] ?? '';
      for (const selector of selectors)
        expect(processOf(everything, process).spec.template.metadata.labels).toMatchObject(selector as object);
      if (spec?.scaleTargetRef) expect(spec.scaleTargetRef.name).toBe(processOf(everything, process).metadata.name);
    }
  });

  it('Prometheus scrapes the API and the workers, not the board', () => {
    const { spec } = find(everything, 'ServiceMonitor', 'hooks-posthorn');
    expect(spec.endpoints).toEqual([expect.objectContaining({ port: 'http', path: '/metrics' })]);
    const [{ values: scraped }] = spec.selector.matchExpressions as [{ values: string[] }];
    const services = everything.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.labels);
    for (const labels of services) expect(labels).toMatchObject(spec.selector.matchLabels as object);
    expect(scraped).toEqual(['api', 'worker']);
  });

  it('alerts and dashboards are those of deploy/prometheus and deploy/grafana', () => {
    const rules = read('deploy/prometheus/rules.yml').replaceAll(
      'https://hooks.example.com',
      'https://webhooks.example.org',
    );
    expect(find(everything, 'PrometheusRule', 'hooks-posthorn').spec).toEqual(parse(rules));
    const { data = {} } = find(everything, 'ConfigMap', 'hooks-posthorn-dashboards');
    const files = readdirSync(`${root}deploy/grafana`);
    expect(Object.keys(data).toSorted()).toEqual(files.map((file) => `posthorn-${file}`).toSorted());
    for (const file of files)
      expect(JSON.parse(data[`posthorn-${file}`] ?? '')).toEqual(JSON.parse(read(`deploy/grafana/${file}`)));
  });

  it('only workers may connect to the internet, and to no private network', () => {
    const peersOf = (name: string) =>
      (
        find(everything, 'NetworkPolicy', `hooks-posthorn-${name}`).spec.egress as {
          to?: { ipBlock: { cidr: string; except: string[] } }[];
        }[]
      ).flatMap(({ to = [] }) => to.map(({ ipBlock }) => ipBlock));
    for (const name of ['api', 'board']) expect(peersOf(name).map(({ cidr }) => cidr)).toEqual(['10.1.0.0/16']);
    const [, internet] = peersOf('worker');
    for (const cidr of ['10.0.0.0/8', '169.254.0.0/16', '127.0.0.0/8']) expect(internet?.except).toContain(cidr);
    const ingressOf = (name: string) =>
      find(everything, 'NetworkPolicy', `hooks-posthorn-${name}`).spec.ingress as unknown;
    expect(ingressOf('board')).toBeUndefined();
    expect(ingressOf('api')).toEqual([{ ports: [{ port: 'http', protocol: 'TCP' }] }]);
  });

  it('Helm refuses wrong values, says what to do, and repeats no secret', () => {
    const refusals: [object, RegExp][] = [
      [{ existingSecret: 'posthorn' }, /image.repository is required/],
      [{ image: IMAGE }, /DATABASE_URL is required: put it into a Secret/],
      [{ image: IMAGE, secrets: { ...SECRETS, POSTHORN_ENCRYPTION_KEY: '' } }, /POSTHORN_ENCRYPTION_KEY is required/],
      [{ ...REQUIRED, secrets: SECRETS }, /existingSecret and secrets are both set/],
      [{ ...REQUIRED, settings: { DATABASE_URL: SECRETS.DATABASE_URL } }, /settings.*DATABASE_URL/s],
      [{ ...REQUIRED, settings: { RETENTION_DAY: 3 } }, /RETENTION_DAY/],
      [{ ...REQUIRED, settings: { RETENTION_DAYS: 1 } }, /RETENTION_DAYS.*minimum/s],
      [{ ...REQUIRED, settings: { REQUIRE_HTTPS: 'no' } }, /REQUIRE_HTTPS/],
      [{ ...REQUIRED, board: { settings: { RETENTION_DAYS: 3 } } }, /RETENTION_DAYS/],
      [{ ...REQUIRED, worker: { autoscaling: { mode: 'keda', minReplicas: 0 } } }, /minReplicas/],
      [{ ...REQUIRED, worker: { autoscaling: { mode: 'keda' } } }, /prometheusUrl is required/],
      [{ ...REQUIRED, worker: { terminationGracePeriodSeconds: 30 } }, /need at least 40/],
      [{ ...REQUIRED, networkPolicy: { enabled: true } }, /egress.services is required/],
      [{ ...REQUIRED, apis: {} }, /apis/],
    ];
    for (const [values, message] of refusals) {
      const { status, stderr } = runHelm(values);
      expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
      for (const secret of Object.values(SECRETS)) expect(stderr).not.toContain(secret);
    }
  });

  it('helm lint accepts the chart, and helm show prints the values', () => {
    for (const args of [
      ['lint', '--strict', chart],
      ['show', 'values', chart],
    ])
      expect(spawnSync(helm, args, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });

  it('the values of docs/kubernetes.md render', () => {
    const examples = blocksFor('deploy/helm-chart.test.ts').filter(({ code }) => !code.includes('metricsQuery'));
    expect(examples.length).toBeGreaterThan(2);
    for (const { code } of examples)
      expect(render({ ...REQUIRED, ...(parse(code) as object) }).flatMap(findErrors)).toEqual([]);
  });
});

/** A valid value for every setting, which differs from its default. */
const SAMPLES = (() => {
  const sampleOf = (name: SettingName): string | number | boolean => {
    const own: Partial<Record<SettingName, string>> = {
      EMAIL_FROM: 'Acme <webhooks@example.com>',
      OPERATIONS_ACCOUNT: 'operators',
      QUEUE_BACKEND: 'redis',
      LOG_LEVEL: 'debug',
      OTEL_TRACES_SAMPLER: 'always_off',
    };
    const known = own[name];
    if (known !== undefined) return known;
    const fallback = settings[name].default;
    if (fallback === 'true' || fallback === 'false') return fallback !== 'true';
    if (name === 'PAYLOAD_RETENTION_DAYS') return 3;
    if (name === 'OTEL_TRACES_SAMPLER_ARG') return 0.25;
    if (/^\d+$/.test(fallback ?? '')) return Number(fallback) > 10 ? Number(fallback) - 1 : Number(fallback) + 1;
    return `of-${name.toLowerCase()}`;
  };
  const names = [...new Set(Object.values(catalogue.processes).flat())];
  const samples = names.map((name) => [name, sampleOf(name)] as const);
  return {
    settings: Object.fromEntries(samples.filter(([name]) => !isSecret(name))) as Record<
      string,
      string | number | boolean
    >,
    secrets: Object.fromEntries(samples.filter(([name]) => isSecret(name))) as Record<string, string>,
  };
})();

/** A query for an autoscaler names metrics, labels, queues and states that exist, and counts no delayed jobs. */
function expectScalingQuery(query: string): void {
  const series = new Map([...metricSeries()].map(([name, labels]) => [name, [...labels, 'namespace']]));
  expect(findProblems(query, series)).toEqual([]);
  const [, queues = ''] = /queue=~"([^"]*)"/.exec(query) ?? [];
  expect(queues.split('|')).toEqual(QUEUE_NAMES.filter((queue) => queue !== 'verify'));
  if (query.includes('posthorn_queue_jobs{')) expect(query).toContain('state=~"waiting|prioritized"');
  expect(query).toMatch(/max(\(| by )/); // every process reports the same value
  expect(query).not.toContain('delayed');
}

type FindErrors = (manifest: Manifest) => string[];

/** Returns a function that finds what is wrong with an object, according to the schemas of a version of Kubernetes and the custom
 *  resource definitions. Unknown fields are errors, which they are not for Kubernetes. */
function openSchemas(version: string): FindErrors {
  const folder = `${tools}/kubernetes_validate/kubernetes-json-schema/${version}-local-strict`;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  ajv.addSchema(JSON.parse(readFileSync(`${folder}/_definitions.json`, 'utf8')) as object, '/api/_definitions.json');
  const custom = new Map(
    readdirSync(`${tools}/definitions`).flatMap((file) =>
      customSchemas(readFileSync(`${tools}/definitions/${file}`, 'utf8')),
    ),
  );
  return (manifest) => {
    const { apiVersion, kind, metadata } = manifest;
    const id = `${apiVersion}/${kind}`;
    if (!ajv.getSchema(id)) ajv.addSchema(custom.get(id) ?? builtInSchema(folder, apiVersion, kind), id);
    const validate = ajv.getSchema(id) ?? expect.fail(id);
    void validate(manifest);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${kind} ${metadata.name}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

function builtInSchema(folder: string, apiVersion: string, kind: string): object {
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const name = [kind, group.split('.')[0], version].filter(Boolean).join('-').toLowerCase();
  return JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')) as object;
}

interface OpenApiSchema {
  properties?: Record<string, OpenApiSchema>;
  additionalProperties?: OpenApiSchema | boolean;
  items?: OpenApiSchema;
  pattern?: string;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** The schemas of a custom resource definition by apiVersion and kind. */
function customSchemas(definition: string): [string, object][] {
  const { spec } = parse(definition) as {
    spec: {
      group: string;
      names: { kind: string };
      versions: { name: string; schema: { openAPIV3Schema: OpenApiSchema } }[];
    };
  };
  return spec.versions.map(({ name, schema }) => {
    const { properties, ...rest } = closed(schema.openAPIV3Schema);
    return [
      `${spec.group}/${name}/${spec.names.kind}`,
      { ...rest, properties: { ...properties, metadata: { type: 'object' } } },
    ];
  });
}

/** Kubernetes drops unknown fields silently, so refuse them. */
function closed(schema: OpenApiSchema): OpenApiSchema {
  const { properties, items, additionalProperties, pattern, ...others } = schema;
  return {
    ...others,
    ...(pattern && !pattern.includes('(?i)') && { pattern }), // which only Go has
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, closed(value)])),
    }),
    ...(items && { items: closed(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: closed(additionalProperties) }),
    ...(properties && !schema['x-kubernetes-preserve-unknown-fields'] && { additionalProperties: false }),
  };
}
