import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlCommand } from './curl-command.js';

/** Returns the arguments that curl gets from a shell. */
const argumentsOf = (command: string): string[] =>
  execFileSync('sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

describe('curlCommand', () => {
  it.for([
    ["https://hooks.example.com/it's?q='; touch injected; '", `{"event":"message:created","payload":{"text":"it's"}}`],
    ['https://hooks.example.com/$(id)/`id`?a=1&b=[2]{3}', '{"event":"a:b","payload":{"text":"$HOME `id` \\n \\""}}'],
  ])('passes the URL and the body through a shell unchanged: %s', ([url = '', body = '']) => {
    const given = argumentsOf(curlCommand({ url, eventId: 'evt_1', body }));
    const headers = ['-H', 'content-type: application/json', '-H', 'webhook-id: evt_1'];
    expect(given).toEqual(['-i', '--globoff', '-X', 'POST', url, ...headers, '--data-raw', body]);
  });
});
