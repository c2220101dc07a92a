import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from '@posthorn/embedded';
import { cloneDatabase, endProcess, makeScratchFolder, waitFor } from '@posthorn/testing';
import { Webhook } from 'svix';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Block, blocksFor, blocksOf, PAGES, readPage, root } from './docs-blocks.js';
import { type Stack, startStack } from './stack.js';

const run = promisify(execFile);

/** What `<!-- test: … -->` above a code block may name, besides the path of a test file. Each has a test below. */
const KINDS = ['shell', 'local', 'quickstart-endpoint', 'catalogue', 'papercups', 'svix', 'processes', 'migrations'];

describe('code blocks of the documentation', () => {
  it.each(PAGES)('%s says above every block which test runs it, or why none does', (page) => {
    const wrong = blocksOf(page).flatMap(({ line, mark }) => {
      if (mark === null)
        return [`${page}:${line}: write <!-- test: … --> or <!-- no test: why --> on the line above the block`];
      if (!mark.isTested || KINDS.includes(mark.text)) return [];
      // The test reads its code from the page, so that both cannot differ.
      const isRead = existsSync(root + mark.text) && readPage(mark.text).includes(basename(page));
      return isRead ? [] : [`${page}:${line}: ${mark.text} is no test that reads ${basename(page)}`];
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
        POSTHORN_KEY: stack.operatorKey,
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

  it('the quickstart delivers an event to the endpoint that it shows', async () => {
    const [endpoint] = blocksFor('quickstart-endpoint');
    const [commands] = blocksFor('local');
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
      await inShell(commands?.code.replaceAll('8080', port).replaceAll('/acme', '/quickstart') ?? '', { cwd: folder });
      // The first event may be published before the URL is verified; then publish again, as a reader would.
      await waitFor(async () => {
        await stack.publish('quickstart', '{"event":"message:created","payload":{"body":"Hello again"}}');
        return said.includes("message:created { body: 'Hello");
      });
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
      { secret: ofSvix, prefix: 'svix', body: '{"id":"m_1"}' },
      { secret: ofPosthorn, prefix: 'webhook', body: '{"event":"message:created","payload":{"id":"m_2"}}' },
    ].map(({ secret, prefix, body }) => {
      const now = new Date();
      const signature = new Webhook(secret).sign('msg_1', now, body);
      return [
        body,
        {
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
      expect(JSON.parse(stdout)).toEqual([{ id: 'm_1' }, { id: 'm_2' }]);
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
          POSTHORN_KEY: stack.operatorKey,
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

    it('has code samples that publish an event, with curl, Node.js and Python', async () => {
      const env = { ...process.env, POSTHORN_KEY: stack.operatorKey };
      const outputs = [
        await inShell(samples('events', 'sh')[0] ?? ''),
        (await run(process.execPath, ['--input-type=module', '-e', inStack(samples('events', 'js')[0])], { env }))
          .stdout,
        (await run('python3', ['-c', inStack(samples('events', 'py')[0])], { env })).stdout,
      ];
      for (const output of outputs) expect(output).toContain('"event":"message:created"');
    });

    it('has code samples that parse, for every operation', async () => {
      const document = JSON.parse(readPage('packages/client/openapi.json')) as {
        tags: { name: string }[];
        paths: object;
      };
      const tags = document.tags.map(({ name }) => name.toLowerCase().replaceAll(' ', '-'));
      const operations = Object.values(document.paths).flatMap((methods: object) => Object.keys(methods)).length;
      const all = (language: string) => tags.flatMap((tag) => samples(tag, language));
      expect([all('sh').length, all('js').length, all('py').length]).toEqual([operations, operations, operations]);
      execFileSync('sh', ['-nc', all('sh').join('\n')]);
      const file = join(makeScratchFolder(), 'samples.mjs');
      writeFileSync(
        file,
        all('js')
          .map((code) => `async () => {\n${code}\n};`)
          .join('\n'),
      );
      execFileSync(process.execPath, ['--check', file]);
      execFileSync('python3', ['-c', 'import ast, json, sys; [ast.parse(one) for one in json.load(sys.stdin)]'], {
        input: JSON.stringify(all('py')),
      });
    });
  });
});
