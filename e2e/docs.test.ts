import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from '@posthorn/embedded';
import { cloneDatabase, endProcess, makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { Webhook } from 'svix';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Block, blocksFor, blocksOf, PAGES, readPage, root } from './docs-blocks.js';
import { type Stack, startStack } from './stack.js';

const run = promisify(execFile);

/** The marks `<!-- test: … -->` above code blocks whose tests are in this file. Any other mark is the path of a file that reads the
 *  block from the page, so that both cannot differ. */
const KINDS = [
  'shell',
  'downloads',
  'local',
  'quickstart-endpoint',
  'catalogue',
  'papercups',
  'svix',
  'processes',
  'migrations',
];

describe('code blocks of the documentation', () => {
  it.each(PAGES)('%s says above every block which test runs it, or why none does', (page) => {
    const wrong = blocksOf(page).flatMap(({ line, mark }) => {
      if (mark === null)
        return [`${page}:${line}: write <!-- test: … --> or <!-- no test: why --> on the line above the block`];
      if (!mark.isTested || KINDS.includes(mark.text)) return [];
      const code = existsSync(root + mark.text) ? readPage(mark.text) : '';
      const isRead = [`blocksFor('${mark.text}')`, `blocksOf('${page}')`].some((call) => code.includes(call));
      return isRead ? [] : [`${page}:${line}: ${mark.text} does not read the block with blocksFor or blocksOf`];
    });
    expect(wrong).toEqual([]);
  });

  it('includes only files that a test runs', () => {
    const included = PAGES.flatMap((page) =>
      [...readPage(page).matchAll(/^\[[^\]]*\]\(([^ )]+) "include"\)$/gm)].map(([, link = '']) =>
        posix.join(posix.dirname(page), link),
      ),
    );
    const snippets = readPage('e2e/snippets.test.ts');
    const here = readPage('e2e/docs.test.ts');
    expect(included.length).toBeGreaterThan(10);
    for (const file of included)
      expect([file, (file.startsWith('docs/examples/') ? here : snippets).includes(basename(file))]).toEqual([
        file,
        true,
      ]);
  });

  it('has JavaScript that parses', () => {
    const code = PAGES.flatMap(blocksOf).filter(({ language }) => language === 'js');
    const folder = makeScratchFolder();
    for (const [index, block] of code.entries()) {
      const file = join(folder, `${index}.mjs`);
      writeFileSync(file, block.code);
      execFileSync(process.execPath, ['--check', file]);
    }
    expect(code.length).toBeGreaterThan(3);
  });
});

describe('commands and programs of the documentation', () => {
  let stack: Stack;
  let bin: string;
  beforeAll(async () => {
    stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
    await stack.call('PUT', '/v1/accounts/acme', { name: 'Acme' });
    // A curl that fails on an HTTP error.
    bin = makeScratchFolder();
    const curl = execFileSync('sh', ['-c', 'command -v curl'], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, 'curl'), `#!/bin/sh\nexec ${curl} --fail-with-body --silent --show-error "$@"\n`, {
      mode: 0o755,
    });
  });
  afterAll(() => stack?.stop());

  /** Runs a block in the shell; the API of the examples is that of the stack. */
  const inShell = async (
    code: string,
    { env = {}, cwd = root }: { env?: Record<string, string>; cwd?: string } = {},
  ) => {
    const script = code.replaceAll('https://hooks.example.com', stack.apiUrl);
    const { stdout } = await run('sh', ['-euc', script], {
      cwd,
      env: {
        ...process.env,
        PATH: `${bin}:${process.env['PATH']}`,
        POSTHORN_API_KEY: stack.operatorKey,
        POSTHORN_OPERATOR_KEY: stack.operatorKey,
        ...env,
      },
    });
    return stdout;
  };

  it.each(blocksFor('shell').map((block): [string, Block] => [`${block.page}:${block.line}`, block]))(
    'the commands of %s succeed',
    async (_, { code }) => {
      expect(code).toContain('hooks.example.com');
      expect(JSON.parse(await inShell(code))).toBeTypeOf('object');
    },
  );

  it.each(blocksFor('downloads').map((block): [string, Block] => [`${block.page}:${block.line}`, block]))(
    'the commands of %s write their files',
    async (_, { code }) => {
      const cwd = makeScratchFolder();
      await inShell(code, { cwd });
      const named = [...code.matchAll(/ -o (\S+)/g)].map(([, name]) => name);
      expect(readdirSync(cwd).toSorted()).toEqual(named.toSorted());
    },
  );

  it('the quickstart delivers an event to the endpoint that it shows', async () => {
    const [endpoint] = blocksFor('quickstart-endpoint');
    const commands = blocksFor('local').map(({ code }) => code);
    expect(commands).toHaveLength(2);
    const port = String(await findFreePort());
    const folder = makeScratchFolder();
    const file = join(folder, 'endpoint.mjs');
    writeFileSync(file, endpoint?.code.replace('8080', port) ?? '');
    mkdirSync(join(folder, '.posthorn'));
    const local = { operatorKey: stack.operatorKey, apiUrl: stack.apiUrl };
    writeFileSync(join(folder, '.posthorn/local.json'), JSON.stringify(local));
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    try {
      await waitFor(() => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' }));
      const script = commands.join('\n').replaceAll('8080', port).replaceAll('/acme', '/quickstart');
      await inShell(script, { cwd: folder });
      await waitFor(() => said.includes("message:created { body: 'Hello from curl' }"));
    } finally {
      await endProcess(child);
    }
  });

  it('the event catalogue has every type of a new installation, with its example', async () => {
    const { data } = await stack.call<{ data: { name: string; example: unknown }[] }>(
      'GET',
      '/v1/event-types?limit=100',
    );
    const shown = readPage('docs/events.md').matchAll(/^###? (\S+:\S+)\n[^#]*?```json\n([^]*?)```/gm);
    const documented = Object.fromEntries([...shown].map(([, name, json = '']) => [name, JSON.parse(json) as unknown]));
    const expected = data.filter(({ name }) => name !== 'invoice:paid').map(({ name, example }) => [name, example]);
    expect(documented).toEqual(Object.fromEntries(expected));
    expect(blocksFor('catalogue')).toHaveLength(expected.length);
  });

  it('a Papercups client of docs/from-papercups.md creates a subscription', async () => {
    const { key } = await stack.call<{ key: string }>('POST', '/v1/accounts/acme/keys', {
      name: 'papercups',
      scopes: ['subscriptions:read', 'subscriptions:write'],
    });
    const [block] = blocksFor('papercups');
    // The URL of the page leads nowhere, so it is saved unverified; this one fails without waiting for a name server.
    const code = block?.code.replace('https://acme.example/webhook', 'http://127.0.0.1:9999/webhook') ?? '';
    const { data } = JSON.parse(await inShell(code, { env: { ACCOUNT_KEY: key } })) as { data: object };
    expect(data).toMatchObject({ account_id: 'acme', scope: null, verified: false });
  });

  it('the endpoint of docs/from-svix.md reads requests from both', async () => {
    const [block] = blocksFor('svix');
    const file = join(root, `e2e/svix-sample-${process.pid}.mjs`); // where the package svix is found
    const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(24, byte).toString('base64')}`);
    const [ofSvix = '', ofPosthorn = ''] = secrets;
    const requests = [
      { secret: ofSvix, prefix: 'svix', userAgent: 'Svix-Webhooks/1.99.1', body: '{"id":"m_1"}' },
      { secret: ofSvix, prefix: 'webhook', userAgent: 'Svix-Webhooks/1.99.1', body: '{"id":"m_2"}' },
      {
        secret: ofPosthorn,
        prefix: 'webhook',
        userAgent: 'Posthorn/0.1.0',
        body: '{"event":"message:created","payload":{"id":"m_3"}}',
      },
    ].map(({ secret, prefix, userAgent, body }) => {
      const now = new Date();
      const signature = new Webhook(secret).sign('msg_1', now, body);
      return [
        body,
        {
          'user-agent': userAgent,
          [`${prefix}-id`]: 'msg_1',
          [`${prefix}-timestamp`]: String(Math.floor(now.getTime() / 1000)),
          [`${prefix}-signature`]: signature,
        },
      ];
    });
    const program = `${block?.code}\nconsole.log(JSON.stringify(${JSON.stringify(requests)}.map((one) => readWebhook(...one))));`;
    writeFileSync(file, program);
    try {
      const { stdout } = await run(process.execPath, [file], {
        env: { ...process.env, SVIX_WEBHOOK_SECRET: ofSvix, POSTHORN_WEBHOOK_SECRET: ofPosthorn },
      });
      expect(JSON.parse(stdout)).toEqual([{ id: 'm_1' }, { id: 'm_2' }, { id: 'm_3' }]);
    } finally {
      execFileSync('rm', [file]);
    }
  });

  it('the commands of docs/deploy.md migrate the database, and start the processes that these tests start', async () => {
    const [migrate = '', ...processes] = blocksFor('processes')[0]?.code.split('\n') ?? [];
    await inShell(migrate, { env: { DATABASE_URL: stack.databaseUrl } });
    const started = readPage('e2e/stack.ts');
    expect(processes).toHaveLength(2);
    for (const command of processes) expect(started).toContain(command.replace('node apps/', ''));
  });

  it('the commands of docs/upgrade.md list the migrations and run them', async () => {
    const [block] = blocksFor('migrations');
    expect(await inShell(block?.code ?? '', { env: { DATABASE_URL: stack.databaseUrl } })).toContain('baseline');
  });

  it('the outbox of docs/publish.md publishes what was committed, once and in order, whenever its relay is killed', async () => {
    const database = await cloneDatabase(inject('templateDatabaseUrl'));
    const pg = (await import('pg')).default;
    const pool = new pg.Pool({ connectionString: database.url });
    await pool.query(readPage('docs/examples/outbox.sql'));
    await pool.query(
      'CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY, account text, body text NOT NULL)',
    );
    const { createMessage } = (await import(`${root}docs/examples/create-message.mjs`)) as {
      createMessage(from: typeof pool, message: { account: string; body: string | null }): Promise<unknown>;
    };
    await stack.call('PUT', '/v1/accounts/outbox', {});
    const relay = () =>
      spawn(process.execPath, [`${root}docs/examples/relay.mjs`], {
        env: {
          ...process.env,
          DATABASE_URL: database.url,
          POSTHORN_URL: stack.apiUrl,
          POSTHORN_API_KEY: stack.operatorKey,
        },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    const left = async () =>
      Number((await pool.query('SELECT count(*) FROM outbox WHERE error IS NULL')).rows[0].count);
    const events = async () => {
      const bodies: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: { data: { id: string }[]; nextCursor: string | null } = await stack.call(
          'GET',
          `/v1/accounts/outbox/events?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        for (const { id } of page.data) {
          const event = await stack.call<{ payload: { body: string } }>('GET', `/v1/accounts/outbox/events/${id}`);
          bodies.push(event.payload.body);
        }
        cursor = page.nextCursor;
      }
      return bodies.toReversed();
    };
    let child = relay();
    try {
      const committed: string[] = [];
      for (let round = 0; round < 5; round += 1) {
        for (let number = 0; number < 60; number += 1) {
          const body = `message ${round}.${number}`;
          await createMessage(pool, { account: 'outbox', body });
          committed.push(body);
        }
        // A message without a text is rolled back, and its event with it.
        await expect(createMessage(pool, { account: 'outbox', body: null })).rejects.toThrow(/null value/);
        child.kill('SIGKILL');
        child = relay();
      }
      await pool.query(`INSERT INTO outbox (account, event, payload) VALUES ('outbox', 'no:such:type', '{}')`);
      await createMessage(pool, { account: 'outbox', body: 'the last' });
      await waitFor(async () => (await left()) === 0, { what: 'the empty outbox' });
      const refused = await pool.query('SELECT event, error FROM outbox');
      expect(refused.rows).toEqual([{ event: 'no:such:type', error: expect.stringContaining('unknown_event_type') }]);
      const published = await events();
      expect(published).toEqual([...committed, 'the last']);
    } finally {
      child.kill('SIGKILL');
      await pool.end();
      await database.drop();
    }
  });

  describe('the API reference', () => {
    const site = `${root}apps/docs/dist/site/`;
    const samples = (tag: string, language: string) =>
      [
        ...readFileSync(`${site}api/${tag}.md`, 'utf8').matchAll(
          new RegExp(`\`\`\`${language} .*\n([^]*?)\`\`\``, 'g'),
        ),
      ].map(([, code = '']) => code);
    const inStack = (code = '') => code.replaceAll('https://hooks.example.com', stack.apiUrl);

    interface Operation {
      operationId: string;
      tags: string[];
      requestBody?: object;
      responses: Record<string, { content?: object }>;
    }
    interface Sample {
      method: string;
      path: string;
      isStream: boolean;
      hasBody: boolean;
      sh: string;
      js: string;
      py: string;
    }
    /** The samples of every operation. The pages have the operations of a tag in the order of the document. */
    const allSamples = (): Sample[] => {
      const document = JSON.parse(readPage('packages/client/openapi.json')) as {
        tags: { name: string }[];
        paths: Record<string, Record<string, Operation>>;
      };
      return document.tags.flatMap(({ name }) => {
        const page = name.toLowerCase().replaceAll(' ', '-');
        const code = { sh: samples(page, 'sh'), js: samples(page, 'js'), py: samples(page, 'py') };
        const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
          Object.entries(methods).flatMap(([method, one]) => (one.tags[0] === name ? [{ method, path, one }] : [])),
        );
        const counts = [code.sh.length, code.js.length, code.py.length];
        expect([name, counts]).toEqual([name, counts.map(() => operations.length)]);
        return operations.map(({ method, path, one }, index) => ({
          method,
          path,
          isStream: Object.keys(one.responses['200']?.content ?? {}).includes('text/event-stream'),
          hasBody: one.requestBody !== undefined,
          sh: code.sh[index] ?? '',
          js: code.js[index] ?? '',
          py: code.py[index] ?? '',
        }));
      });
    };
    const hasPython = spawnSync('python3', ['--version']).status === 0;
    if (!hasPython) console.warn('SKIPPED: the samples in Python are NOT tested here, since python3 is not installed.');

    it.runIf(process.env['CI'])('is tested with Python in continuous integration', () => {
      expect(hasPython).toBe(true);
    });

    it('has code samples that publish an event, with curl, Node.js and Python', async () => {
      const env = { ...process.env, POSTHORN_API_KEY: stack.operatorKey };
      const outputs = [
        await inShell(samples('events', 'sh')[0] ?? ''),
        (await run(process.execPath, ['--input-type=module', '-e', inStack(samples('events', 'js')[0])], { env }))
          .stdout,
        ...(hasPython ? [(await run('python3', ['-c', inStack(samples('events', 'py')[0])], { env })).stdout] : []),
      ];
      for (const output of outputs) expect(output).toContain('"event":"message:created"');
    });

    describe('against objects with the ids of the samples', () => {
      let ids: Record<string, string>;
      let accountKey: string;
      beforeAll(async () => {
        const endpoint = await openEndpoint();
        const { id: subscription } = await stack.subscribe(endpoint.url, { account: 'acme' });
        const event = await stack.publish('acme', '{"event":"message:created","payload":{"body":"Hello"}}');
        await waitFor(async () => (await stack.delivery('acme', event.id)).status === 'succeeded');
        const { id: delivery } = await stack.delivery('acme', event.id);
        await endpoint.close();
        const replayOf = (path: string) =>
          stack.call<{ id: string }>('POST', path, {
            which: 'failed',
            since: new Date(Date.now() - 60_000).toISOString(),
          });
        const scopes = ['subscriptions:read', 'subscriptions:write'];
        const created = await stack.call<{ key: string }>('POST', '/v1/accounts/acme/keys', {
          name: 'samples',
          scopes,
        });
        accountKey = created.key;
        ids = {
          subscription,
          event: event.id,
          delivery,
          replay: (await replayOf('/v1/accounts/acme/replays')).id,
          link: (await stack.call<{ id: string }>('POST', '/v1/accounts/acme/export-links')).id,
          replayOfAccounts: (await replayOf('/v1/replays')).id,
        };
      });

      /** A sample with the ids of real objects. */
      const withIds = ({ path }: Sample, code: string): string => {
        const replay = path.startsWith('/v1/replays/') ? ids['replayOfAccounts'] : ids['replay'];
        return inStack(code)
          .replaceAll(/\bsub_01\w{24}/g, ids['subscription'] ?? '')
          .replaceAll(/\bevt_01\w{24}/g, ids['event'] ?? '')
          .replaceAll(/\bdlv_01\w{24}/g, ids['delivery'] ?? '')
          .replaceAll(/\brpl_01\w{24}/g, replay ?? '')
          .replaceAll(/\bexl_01\w{24}/g, ids['link'] ?? '')
          .replaceAll('01934974-7875-7268-ad97-82ecee7c3c0c', ids['subscription'] ?? '');
      };
      const keyFor = ({ path }: Sample): string => (path.startsWith('/api/') ? accountKey : stack.operatorKey);

      it('has samples of every GET that succeed, with curl, Node.js and Python', async () => {
        // The token of an export link works once, so exports.db.test.ts tests that operation.
        const isTested = ({ method, path, isStream }: Sample) =>
          method === 'get' && !isStream && path !== '/v1/exports';
        const gets = allSamples().filter(isTested);
        expect(gets.length).toBeGreaterThan(30);
        const shell = gets.map(
          (one) =>
            `export POSTHORN_API_KEY=${keyFor(one)}\n${withIds(one, one.sh)} >/dev/null || { echo 'curl: ${one.path}'; false; }`,
        );
        // On a busy machine /readyz may say that a part responds slowly.
        const untilReady = (tried: () => Promise<unknown>) => waitFor(async () => (await tried()) ?? true);
        await untilReady(() => inShell(shell.join('\n')));
        const js = gets.map(
          (one) =>
            `process.env.POSTHORN_API_KEY = '${keyFor(one)}';\nawait (async () => {\n${withIds(one, one.js)}\n})();`,
        );
        await untilReady(async () => {
          const node = await run(process.execPath, ['--input-type=module', '-e', js.join('\n')], { maxBuffer: 10e6 });
          expect(node.stdout.match(/^\d{3} /gm)).toEqual(gets.map(() => '200 '));
        });
        if (!hasPython) return;
        const py = gets.map((one) => `os.environ["POSTHORN_API_KEY"] = "${keyFor(one)}"\n${withIds(one, one.py)}`);
        await untilReady(() => run('python3', ['-c', ['import os', ...py].join('\n')], { maxBuffer: 10e6 }));
      });

      it('has samples of streams that print events while they arrive', async () => {
        const streams = allSamples().filter(({ isStream }) => isStream);
        expect(streams).toHaveLength(3);
        for (const sample of streams) {
          const PATH = `${bin}:${process.env['PATH']}`;
          const env = { ...process.env, PATH, POSTHORN_API_KEY: stack.operatorKey, PYTHONUNBUFFERED: '1' };
          const programs: [string, string[]][] = [
            ['sh', ['-c', `exec ${withIds(sample, sample.sh)}`]],
            [process.execPath, ['--input-type=module', '-e', withIds(sample, sample.js)]],
            ...(hasPython ? [['python3', ['-c', withIds(sample, sample.py)]] satisfies [string, string[]]] : []),
          ];
          for (const [command, args] of programs) {
            const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
            let said = '';
            child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
            try {
              await waitFor(() => said.includes('\n'), { what: `the beginning of ${sample.path} with ${command}` });
              await stack.publish('acme', '{"event":"message:created","payload":{"body":"Streamed"}}');
              await waitFor(() => /^data: ?\{/m.test(said), { what: `an event of ${sample.path} with ${command}` });
            } finally {
              await endProcess(child);
            }
          }
        }
      });

      it('has samples whose bodies the API accepts', async () => {
        await stack.call('PUT', '/v1/accounts/samples', {});
        const refused: unknown[] = [];
        for (const sample of allSamples().filter(({ hasBody }) => hasBody)) {
          const [, body = ''] = /^  -d '(.*)'$/m.exec(sample.sh) ?? [];
          // A name that needs no name server, and objects that no other test uses.
          const sent = body
            .replaceAll(`'\\''`, `'`)
            .replaceAll(/https:\/\/[\w.]*example\.com/g, 'http://127.0.0.1:9999');
          const [, url = ''] = /(http:[^\s']+)/.exec(withIds(sample, sample.sh)) ?? [];
          const response = await fetch(
            url
              .replace('/accounts/acme', '/accounts/samples')
              .replace('message:created', 'sample:event')
              .replace('message%3Acreated', 'sample:event'),
            {
              method: sample.method.toUpperCase(),
              headers: { authorization: `Bearer ${keyFor(sample)}`, 'content-type': 'application/json' },
              body: sent,
            },
          );
          const text = await response.text();
          // A key or token to be replaced is a 401; objects of the other account are a 404. The stack has no mail server.
          const isAccepted = [200, 201, 202, 401, 404].includes(response.status) || text.includes('SMTP_URL');
          if (!isAccepted) refused.push([sample.method, sample.path, sent, text]);
        }
        expect(refused).toEqual([]);
      });
    });

    it('has code samples that parse, for every operation', async () => {
      const all = (language: 'sh' | 'js' | 'py') => allSamples().map((sample) => sample[language]);
      execFileSync('sh', ['-nc', all('sh').join('\n')]);
      const file = join(makeScratchFolder(), 'samples.mjs');
      writeFileSync(
        file,
        all('js')
          .map((code) => `async () => {\n${code}\n};`)
          .join('\n'),
      );
      execFileSync(process.execPath, ['--check', file]);
      if (!hasPython) return;
      execFileSync('python3', ['-c', 'import ast, json, sys; [ast.parse(one) for one in json.load(sys.stdin)]'], {
        input: JSON.stringify(all('py')),
      });
    });
  });
});
