import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { expect } from 'vitest';
import { it } from './shared-stack.js';

// `npm run clients`, and the generated clients against the real API.
const folder = fileURLToPath(new URL('../clients/', import.meta.url));
const TOOLS = join(folder, '.tools');
const PYTHON_OF_TOOLS = join(TOOLS, 'bin/python');
const run = promisify(execFile);

const PYTHON = `
import os, sys
from posthorn_client import AuthenticatedClient
from posthorn_client.api.events import events_publish
from posthorn_client.api.accounts import accounts_put
from posthorn_client.api.subscriptions import subscriptions_create
from posthorn_client.api.deliveries import deliveries_list
from posthorn_client.api.replays import replays_start
from posthorn_client.models import CreateSubscription, Problem, PublishEvent, PublishEventPayload, PutAccount, StartReplay, StartReplayWhich

client = AuthenticatedClient(base_url=os.environ["POSTHORN_URL"], token=os.environ["POSTHORN_API_KEY"])
account = "python"
accounts_put.sync(account, client=client, body=PutAccount(name="Python"))
subscription = subscriptions_create.sync(account, client=client, body=CreateSubscription(url=os.environ["WEBHOOK_URL"]))
payload = PublishEventPayload.from_dict({"body": "Grüße"})
event = events_publish.sync(account, client=client, body=PublishEvent(event="message:created", payload=payload), idempotency_key="p_1")
again = events_publish.sync(account, client=client, body=PublishEvent(event="message:created", payload=payload), idempotency_key="p_1")
refused = events_publish.sync(account, client=client, body=PublishEvent(event="no:such", payload=payload))
deliveries = deliveries_list.sync(account, client=client, limit=5)
assert isinstance(refused, Problem), refused
try:
    replays_start.sync("..", client=client, body=StartReplay(which=StartReplayWhich.FAILED))
    raise AssertionError("started a replay of all accounts")
except ValueError as error:
    assert "must be an id" in str(error), error
print(subscription.status, event.id == again.id, again.duplicate, refused.code, len(deliveries.data))
`;

const GO = `package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"

	posthorn "posthorn"
)

func main() {
	key := os.Getenv("POSTHORN_API_KEY")
	client, err := posthorn.NewClientWithResponses(os.Getenv("POSTHORN_URL"), posthorn.WithRequestEditorFn(
		func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+key)
			return nil
		}))
	check(err)
	ctx, account := context.Background(), "go"
	name := "Go"
	_, err = client.AccountsPutWithResponse(ctx, account, posthorn.PutAccount{Name: &name})
	check(err)
	subscription, err := client.SubscriptionsCreateWithResponse(ctx, account, posthorn.CreateSubscription{Url: os.Getenv("WEBHOOK_URL")})
	check(err)
	idempotencyKey := "g_1"
	params := &posthorn.EventsPublishParams{IdempotencyKey: &idempotencyKey}
	body := func() *bytes.Reader { return bytes.NewReader([]byte(\`{"event":"message:created","payload":{"body":"Grüße"}}\`)) }
	event, err := client.EventsPublishWithBodyWithResponse(ctx, account, params, "application/json", body())
	check(err)
	again, err := client.EventsPublishWithBodyWithResponse(ctx, account, params, "application/json", body())
	check(err)
	refused, err := client.EventsPublishWithResponse(ctx, account, nil, posthorn.PublishEvent{Event: "no:such", Payload: map[string]interface{}{}})
	check(err)
	if _, err := client.ReplaysGetWithResponse(ctx, account, ".."); err == nil {
		panic("requested another route")
	}
	limit := 5
	deliveries, err := client.DeliveriesListWithResponse(ctx, account, &posthorn.DeliveriesListParams{Limit: &limit})
	check(err)
	fmt.Println(subscription.JSON201.Status, event.JSON202.Id == again.JSON202.Id, again.JSON202.Duplicate,
		refused.ApplicationproblemJSON422.Code, len(deliveries.JSON200.Data))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`;

interface Language {
  /** Succeeds if the toolchain is installed. */
  probe: [string, ...string[]];
  needs: string;
  /** Compiles the program above with the generated client. Returns how to run it. */
  compile: () => Promise<[command: string, args: string[], env?: Record<string, string>]>;
}

const LANGUAGES: Record<string, Language> = {
  python: {
    probe: ['python3', '-c', 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))'],
    needs: 'Python 3.10 or newer with venv',
    async compile() {
      const file = join(makeScratchFolder(), 'try.py');
      writeFileSync(file, PYTHON);
      return [PYTHON_OF_TOOLS, [file], { PYTHONPATH: join(folder, 'python') }];
    },
  },
  go: {
    probe: ['sh', '-c', String.raw`go version | grep -Eq 'go1\.(2[4-9]|[3-9][0-9])'`],
    needs: 'Go 1.24 or newer',
    async compile() {
      const module = join(folder, 'go');
      const program = join(makeScratchFolder(), 'try');
      mkdirSync(join(module, 'try')); // the next `npm run clients` removes it
      writeFileSync(join(module, 'try/main.go'), GO);
      await run('go', ['build', '-o', program, './try'], { cwd: module });
      return [program, []];
    },
  },
};

// Both at once: they mostly wait for registries and for compilers with one thread.
for (const [
  language,
  {
    probe: [command, ...args],
    needs,
    compile,
  },
] of Object.entries(LANGUAGES)) {
  it.concurrent(`the client in ${language} is generated, compiles, and publishes to a webhook; errors are problems`, async ({
    sharedStack: stack,
    skip,
  }) => {
    const skipLoudly = (why: string) => {
      const message = `the client in ${language} is NOT tested, since ${why}.`;
      if (process.env['CI']) throw new Error(`In CI this is a failure: ${message}`);
      console.warn(`SKIPPED: ${message}`);
      skip(message);
    };
    if (spawnSync(command, args).status !== 0)
      return skipLoudly(`${command} is missing or too old (it needs ${needs})`);
    if (language === 'python' && !existsSync(TOOLS)) await installOlderGenerator();
    const problem = await run(process.execPath, [join(folder, 'generate.mjs'), language]).catch(
      (error: { stderr: string }) => error.stderr,
    );
    if (typeof problem === 'string' && NO_REGISTRY.test(problem))
      return skipLoudly(`its registry does not respond: ${problem}`);
    expect(problem).not.toBeTypeOf('string');
    if (language === 'python') {
      const [, version] = /version: '([\d.]+)'/.exec(readFileSync(join(folder, 'generate.mjs'), 'utf8')) ?? [];
      expect(await generatorVersion()).toBe(version);
    }

    const endpoint = await openEndpoint();
    const [file, programArgs, more = {}] = await compile();
    const env = {
      ...process.env,
      ...more,
      POSTHORN_URL: stack.apiUrl,
      POSTHORN_API_KEY: stack.operatorKey,
      WEBHOOK_URL: endpoint.url,
    };
    const { stdout } = await run(file, programArgs, { env });
    expect(stdout.trim().toLowerCase()).toMatch(/^unverified true true unknown_event_type [01]$/);
    await waitFor(() => endpoint.requests.some(({ challenge }) => challenge !== null), { what: 'the handshake' });
    await endpoint.close();
  }, 1_200_000);
}

const NO_REGISTRY =
  /dial tcp|no such host|i\/o timeout|Name or service not known|NewConnectionError|Max retries exceeded|ReadTimeout|TLS handshake timeout|connection reset|unexpected EOF|context deadline exceeded|proxyconnect|50[234] |ProxyError|ProtocolError|ConnectionResetError|RemoteDisconnected|SSLError|Temporary failure/;

/** An environment as an earlier version of generate.mjs left it, which has to be upgraded. */
async function installOlderGenerator(): Promise<void> {
  await run('python3', ['-m', 'venv', '--without-pip', TOOLS]);
  const { stdout } = await run(PYTHON_OF_TOOLS, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
  const info = join(stdout.trim(), 'openapi_python_client-0.0.1.dist-info');
  mkdirSync(info);
  writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: openapi-python-client\nVersion: 0.0.1\n');
  // pip removes what RECORD lists.
  const record = ['METADATA', 'RECORD'].map((file) => `openapi_python_client-0.0.1.dist-info/${file},,\n`).join('');
  writeFileSync(join(info, 'RECORD'), record);
  writeFileSync(join(TOOLS, 'bin/openapi-python-client'), '');
  expect(await generatorVersion()).toBe('0.0.1');
}

async function generatorVersion(): Promise<string> {
  const script = "from importlib.metadata import version; print(version('openapi-python-client'))";
  return (await run(PYTHON_OF_TOOLS, ['-c', script])).stdout.trim();
}
