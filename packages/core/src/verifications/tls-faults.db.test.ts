import type { AddressInfo } from 'node:net';
import { openSender, readAddressPolicy } from '@posthorn/sender';
import { tlsFaults, trust } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, ONE_SECOND, openLedger, silent } from '../ledger.test-support.js';
import { makeRetryWhileUnavailable } from '../database-away.js';
import { openVerifier } from './attempt-verification.js';
import { checkWebhookUrl } from './start-verification.js';

// Like sender/tls-faults.test.ts, for verifications: the real sender, from the server to the row.

const { authority, faults } = tlsFaults();
beforeAll(() => trust(authority)); // returns its cleanup

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

const sender = openSender({
  policy: readAddressPolicy({
    allowPrivateNetworks: '127.0.0.1,localhost',
    denyNetworks: 'none',
    requireHttps: false,
    publicUrl: null,
  }),
  userAgent: 'Posthorn/test',
  resolve: async () => ['127.0.0.1'],
});
afterAll(() => sender.close());

it.each(faults)(
  'a verification stores why it failed and what to do: $name',
  async ({ open, scheme, outcome, says }) => {
    const server = open();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `${scheme}://localhost:${(server.address() as AddressInfo).port}/`;
    const started = await checkWebhookUrl(ledger, { accountId: await ledger.account(), url });
    if (started.outcome !== 'started') throw new Error(started.outcome);
    const verifier = openVerifier({
      ...ledger,
      post: sender.post,
      log: silent,
      retryWhileUnavailable: makeRetryWhileUnavailable({ log: silent }),
      retries: { ...ONE_SECOND, timeoutMs: 60_000 },
    });
    await verifier.attempt({ id: started.verificationId, attemptNumber: 1 }, new AbortController().signal);
    server.close();
    const row = await ledger.db.prisma.verification.findUniqueOrThrow({ where: { id: started.verificationId } });
    expect(row).toMatchObject({ status: 'pending', reason: outcome, error: expect.stringMatching(says) });
  },
);
