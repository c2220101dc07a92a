import { execFile, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

// `npm run clients`, and the generated clients against the real API.
const folder = fileURLToPath(new URL('../clients/', import.meta.url));
const run = promisify(execFile);

const PYTHON = `
import os, sys
from posthorn_client import AuthenticatedClient
from posthorn_client.api.events import events_publish
from posthorn_client.api.accounts import accounts_put
from posthorn_client.api.subscriptions import subscriptions_create
from posthorn_client.api.deliveries import deliveries_list
from posthorn_client.models import CreateSubscription, Problem, PublishEvent, PublishEventPayload, PutAccount

client = AuthenticatedClient(base_url=os.environ["POSTHORN_URL"], token=os.environ["POSTHORN_KEY"])
account = "python"
accounts_put.sync(account, client=client, body=PutAccount(name="Python"))
subscription = subscriptions_create.sync(account, client=client, body=CreateSubscription(url=os.environ["WEBHOOK_URL"]))
payload = PublishEventPayload.from_dict({"body": "Grüße"})
event = events_publish.sync(account, client=client, body=PublishEvent(event="message:created", payload=payload), idempotency_key="p_1")
again = events_publish.sync(account, client=client, body=PublishEvent(event="message:created", payload=payload), idempotency_key="p_1")
refused = events_publish.sync(account, client=client, body=PublishEvent(event="no:such", payload=payload))
deliveries = deliveries_list.sync(account, client=client, limit=5)
assert isinstance(refused, Problem), refused
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
	key := os.Getenv("POSTHORN_KEY")
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

const LANGUAGES: Record<
  string,
  { probe: [string, ...string[]]; start: () => Promise<[command: string, args: string[], cwd: string]> }
> = {
  python: {
    probe: ['python3', '-c', 'import venv, sys; sys.exit(sys.version_info < (3, 10))'],
    async start() {
      const file = join(makeScratchFolder(), 'try.py');
      writeFileSync(file, PYTHON);
      return [join(folder, '.tools/bin/python'), [file], join(folder, 'python')];
    },
  },
  go: {
    probe: ['go', 'version'],
    async start() {
      const program = join(makeScratchFolder(), 'try');
      const module = makeScratchFolder();
      writeFileSync(join(module, 'main.go'), GO);
      const replace = ['mod', 'edit', '-require=posthorn@v0.0.0', `-replace=posthorn=${join(folder, 'go')}`];
      await run('go', ['mod', 'init', 'try'], { cwd: module });
      await run('go', replace, { cwd: module });
      await run('go', ['mod', 'tidy'], { cwd: module });
      await run('go', ['build', '-o', program, '.'], { cwd: module });
      return [program, [], module];
    },
  },
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
});
afterAll(() => stack?.stop());

describe.each(Object.entries(LANGUAGES))('the client in %s', (language, { probe: [command, ...args], start }) => {
  const isInstalled = spawnSync(command, args).status === 0;
  if (!isInstalled)
    console.warn(`SKIPPED: the client in ${language} is NOT tested here, since ${command} is missing or too old.`);

  it.skipIf(!isInstalled)('is generated, compiles, and publishes to a webhook; errors are problems', async () => {
    await run(process.execPath, [join(folder, 'generate.mjs'), language]);
    expect(existsSync(join(folder, language))).toBe(true);
    const endpoint = await openEndpoint();
    const [file, programArgs, cwd] = await start();
    const env = {
      ...process.env,
      PYTHONPATH: cwd,
      POSTHORN_URL: stack.apiUrl,
      POSTHORN_KEY: stack.operatorKey,
      WEBHOOK_URL: endpoint.url,
    };
    const { stdout } = await run(file, programArgs, { cwd, env });
    expect(stdout.trim().toLowerCase()).toMatch(/^unverified true true unknown_event_type [01]$/);
    await waitFor(() => endpoint.requests.some(({ challenge }) => challenge !== null), { what: 'the handshake' });
    await endpoint.close();
  });
});
