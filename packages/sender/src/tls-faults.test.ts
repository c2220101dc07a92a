import { tlsFaults, trust } from '@posthorn/testing';
import { beforeAll, expect, it } from 'vitest';
import { sender, to } from '../test/local-post.js';
import { listen } from '../test/raw-endpoint.js';

// core/verifications tests the same faults for verifications.

const { authority, faults } = tlsFaults();
beforeAll(() => trust(authority)); // returns its cleanup

it.each(faults)('$name: $outcome, with the cause and what to do', async ({ open, scheme, outcome, says }) => {
  const server = open();
  const port = await listen(server);
  const guarded = sender('127.0.0.1,localhost', { resolve: async () => ['127.0.0.1'] });
  const result = await guarded.post(to(`${scheme}://localhost:${port}/`));
  server.close();
  expect(result).toMatchObject({ outcome, statusCode: null, error: expect.stringMatching(says) });
  if (outcome === 'tls_error') expect(result.error).toContain(`(${result.errorCode})`);
});
