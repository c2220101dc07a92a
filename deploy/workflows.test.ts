import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { blocksFor } from '../e2e/docs-blocks.js';

interface Job {
  permissions?: Record<string, string>;
  uses?: string;
  needs?: string | string[];
}
interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(root + path, 'utf8');
const workflows = readdirSync(`${root}.github/workflows`).map((file) => {
  const text = read(`.github/workflows/${file}`);
  return { file, text, workflow: parse(text) as Workflow };
});

describe.for(workflows)('.github/workflows/$file', ({ file, text, workflow }) => {
  it('pins every action by commit, with its version in a comment', () => {
    const used = [...text.matchAll(/uses: (\S+)(.*)/g)].filter(([, action = '']) => !action.startsWith('./'));
    for (const [line] of used) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('grants each job only what it needs, and writing to no job that runs the tests', () => {
    const granted = Object.entries(workflow.jobs).flatMap(([name, { permissions = {} }]) =>
      Object.entries(permissions).flatMap(([scope, right]) => (right === 'write' ? [`${name}: ${scope}`] : [])),
    );
    const image = ['packages', 'id-token', 'attestations'];
    expect(granted).toEqual(
      {
        'ci.yml': [],
        'image.yml': image.map((scope) => `publish: ${scope}`),
        'release.yml': [
          'pull-request: contents',
          'pull-request: pull-requests',
          'npm: id-token',
          ...image.map((scope) => `image: ${scope}`),
          'github: contents',
        ],
      }[file],
    );
    expect(workflow.permissions).toEqual(file === 'ci.yml' ? { contents: 'read' } : {});
  });

  it('runs only files of the repository', () => {
    for (const [, script = ''] of text.matchAll(/(?:node|bash) ((?:deploy|\.ci)\/\S+)/g))
      expect(read(script)).not.toBe('');
  });

  it('actionlint accepts it', ({ skip }) => {
    const { error, status, stdout } = spawnSync('actionlint', ['-no-color', `.github/workflows/${file}`], {
      cwd: root,
      encoding: 'utf8',
    });
    if (error) {
      const message =
        '!!! THE WORKFLOWS WERE NOT CHECKED: actionlint is missing. CONTRIBUTING.md says where it is from.';
      if (process.env['CI']) throw new Error(message);
      console.warn(message);
      skip(message);
    }
    expect([status, stdout]).toEqual([0, '']);
  });
});

describe('a release', () => {
  it('runs the tests of CI, and publishes nothing before they pass', () => {
    const jobs = workflows.find(({ file }) => file === 'release.yml')?.workflow.jobs;
    expect(jobs?.['test']?.uses).toBe('./.github/workflows/ci.yml');
    expect(['npm', 'image', 'github'].map((name) => jobs?.[name]?.needs)).toEqual([
      'test',
      ['plan', 'test'],
      ['plan', 'npm', 'image'],
    ]);
    expect(read('.github/workflows/ci.yml')).toContain('bash .ci/run');
  });

  it('sets the version in files that contain it', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const file of JSON.parse(read('deploy/release/files-with-version.json')) as string[])
      expect([file, read(file).includes(version)]).toEqual([file, true]);
  });
});

describe('the bill of materials', () => {
  const [block] = blocksFor('deploy/workflows.test.ts');
  const [node = '', script = ''] = block?.code.split(' ') ?? [];
  const bill = JSON.parse(execFileSync(node, [script], { cwd: root, encoding: 'utf8' })) as {
    components: { 'bom-ref': string; purl: string }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  const names = bill.components.map(({ purl }) => decodeURIComponent(/^pkg:npm\/(.+)@/.exec(purl)?.[1] ?? ''));

  it('has what the processes load, what is bundled, and nothing that only development needs', () => {
    for (const name of ['fastify', 'pg', 'bullmq', 'ioredis', '@prisma/client', '@bull-board/fastify', 'react'])
      expect(names).toContain(name);
    for (const name of ['vitest', 'typescript', 'vite', 'turbo', 'prisma']) expect(names).not.toContain(name);
  });

  it('names each component once, and only components in its dependencies', () => {
    const refs = new Set(bill.components.map((component) => component['bom-ref']));
    expect(refs.size).toBe(bill.components.length);
    expect(bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
  });
});
