import { once } from 'node:events';
import {
  addRecipient,
  confirmEmails,
  openDatabase,
  publishOperationalEvents,
  removeRecipient,
  unsubscribeEmails,
} from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { startEmailing } from './emailing.js';
import type { Loop } from './loop.js';

interface Received {
  to: string[];
  /** Reads a header, with its folded lines joined. */
  header(name: string): string | undefined;
  text: string;
}

const undo: (() => unknown)[] = [];
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

const received: Received[] = [];
/** What the server says to the next messages; null: OK. */
const refusals: ({ at: 'rcpt' | 'data'; responseCode: number } | null)[] = [];
let smtpUrl: string;
let db: ReturnType<typeof openDatabase>;
let accountId: string;
let accounts = 0;
const loops: Loop[] = [];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

beforeAll(async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  undo.push(() => database.drop());
  db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 10, log: silent });
  undo.push(() => db.close());
  smtpUrl = await openMailServer();
});

afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
  await db.pool.query('DELETE FROM accounts');
  received.length = 0;
  refusals.length = 0;
});

/** A real SMTP server of the npm package smtp-server. Returns its URL. */
async function openMailServer(): Promise<string> {
  const refuse = (responseCode: number) => Object.assign(new Error('refused'), { responseCode });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo(_address, _session, done) {
      if (refusals[0]?.at !== 'rcpt') return done();
      return done(refuse(refusals.shift()?.responseCode ?? 550));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const refusal = refusals.shift();
        if (refusal) return done(refuse(refusal.responseCode));
        received.push(
          read(
            Buffer.concat(chunks).toString(),
            session.envelope.rcptTo.map(({ address }) => address),
          ),
        );
        return done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  undo.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `smtp://127.0.0.1:${address.port}`;
}

function read(raw: string, to: string[]): Received {
  const [head = '', ...body] = raw.split('\r\n\r\n');
  const headers = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  const header = (name: string) =>
    headers
      .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      ?.slice(name.length + 1)
      .trim();
  const isQuoted = header('content-transfer-encoding') === 'quoted-printable';
  const text = body.join('\r\n\r\n');
  return { to, header, text: isQuoted ? unquote(text) : text };
}

const unquote = (text: string): string =>
  text
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function start(observed: string[] = [], more: { smtpUrl?: string } = {}): void {
  const settings = {
    smtpUrl,
    from: 'Acme Webhooks <webhooks@acme.example>',
    publicUrl: 'https://hooks.acme.example/posthorn',
    ...more,
  };
  const loop = startEmailing(settings, { db, log: silent, observe: (result) => void observed.push(result) });
  if (loop) loops.push(loop);
}

async function account(): Promise<string> {
  accountId = `account-${++accounts}`;
  await db.pool.query('INSERT INTO accounts (id) VALUES ($1)', [accountId]);
  return accountId;
}

async function add(address: string): Promise<string> {
  const result = await addRecipient({ db }, { accountId, address });
  if (result.outcome !== 'added') throw new Error(result.outcome);
  return result.recipient.id;
}

async function addConfirmed(address: string): Promise<void> {
  const id = await add(address);
  await db.pool.query('UPDATE email_recipients SET confirmed_at = now() WHERE id = $1', [id]);
  await db.pool.query('DELETE FROM pending_emails WHERE recipient_id = $1', [id]);
}

/** Inserts an operational event as the statement that records attempts does, then publishes it. */
async function happen(type: string, detail: object, { sendsEmails = true } = {}): Promise<void> {
  const { rows } = await db.pool.query<{ id: string }>(
    `INSERT INTO subscriptions (id, account_id, url, events, status)
     VALUES (posthorn_uuidv7(), $1, 'https://user.example.com:8443/hook?token=hunter2', '{}', 'active') RETURNING id`,
    [accountId],
  );
  await db.pool.query(
    'INSERT INTO operational_events (id, type, account_id, subscription_id, detail) VALUES (posthorn_uuidv7(), $1, $2, $3, $4)',
    [type, accountId, rows[0]?.id, JSON.stringify(detail)],
  );
  const enqueue = async () => true;
  await publishOperationalEvents({ db, enqueue }, { operationsAccount: 'nobody', sendsEmails });
}

const pendingEmails = async () => (await db.pool.query('SELECT FROM pending_emails')).rowCount;
const makeDue = () => db.pool.query('UPDATE pending_emails SET due_at = now()');
const tokenIn = ({ text }: Received, page: string) =>
  new RegExp(`https://hooks\\.acme\\.example/posthorn/email/${page}\\?token=([\\w-]{43})`).exec(text)?.[1] ?? '';

it('sends a confirmation email first, and nothing else until the address is confirmed', async () => {
  await account();
  await add('jo@example.com');
  await happen('subscription:failing', { percent: 50 });
  start();
  await waitFor(() => received.length === 1);
  await waitFor(async () => (await pendingEmails()) === 0);
  const [confirmation] = received;
  if (!confirmation) throw new Error('nothing was received');
  expect(confirmation.to).toEqual(['jo@example.com']);
  expect(confirmation.header('subject')).toBe('Confirm your email address for webhook notifications');
  expect(confirmation.header('from')).toBe('Acme Webhooks <webhooks@acme.example>');
  expect(await confirmEmails({ db }, tokenIn(confirmation, 'confirm'))).toBe(true);
  await happen('subscription:failing', { percent: 50 });
  expect(await pendingEmails()).toBe(1);
});

it('sends one email per change of state, with a one-click unsubscribe link, the host alone and no secret', async () => {
  await account();
  await addConfirmed('jo@example.com');
  const failingSince = '2026-11-16T18:55:00.123Z';
  await happen('subscription:failing', { percent: 50, failingSince, isRepeated: false });
  await happen('subscription:failing', { percent: 75, failingSince, isRepeated: true });
  await happen('subscription:disabled', { reason: 'failing', failingSince });
  await happen('subscription:recovered', {});
  start();
  await waitFor(async () => (await pendingEmails()) === 0);
  expect(received.map((email) => String(email.header('subject'))).toSorted()).toEqual([
    'Webhook disabled: user.example.com:8443',
    'Webhook failing: user.example.com:8443',
    'Webhook recovered: user.example.com:8443',
  ]);
  for (const email of received) {
    const url = `https://hooks.acme.example/posthorn/email/unsubscribe?token=${tokenIn(email, 'unsubscribe')}`;
    expect(email.header('list-unsubscribe')).toBe(`<${url}>`);
    expect(email.header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(email.text).not.toContain('hunter2');
  }
  expect(received.find((email) => email.header('subject')?.includes('failing'))?.text).toContain(
    '2026-11-16 18:55 UTC',
  );
});

it('sends nothing to an address that unsubscribed, not even emails that were waiting', async () => {
  await account();
  await addConfirmed('jo@example.com');
  await happen('subscription:disabled', { reason: 'gone' });
  const { rows } = await db.pool.query<{ token: string }>('SELECT token FROM email_recipients');
  expect(await unsubscribeEmails({ db }, rows[0]?.token ?? '')).toBe(true);
  expect(await pendingEmails()).toBe(0);
  await happen('subscription:disabled', { reason: 'gone' });
  expect(await pendingEmails()).toBe(0);
  expect(await unsubscribeEmails({ db }, rows[0]?.token ?? '')).toBe(true);
  expect(await confirmEmails({ db }, rows[0]?.token ?? '')).toBe(false);
  expect(await unsubscribeEmails({ db }, 'nobody')).toBe(false);
  expect(await addRecipient({ db }, { accountId, address: 'jo@example.com' })).toEqual({ outcome: 'removed_recently' });
});

it('sends an email again after a temporary refusal, with the same Message-ID', async () => {
  await account();
  await addConfirmed('jo@example.com');
  await happen('subscription:disabled', { reason: 'gone' });
  const [{ id } = { id: '' }] = (await db.pool.query<{ id: string }>('SELECT id FROM pending_emails')).rows;
  refusals.push({ at: 'data', responseCode: 451 });
  const observed: string[] = [];
  start(observed);
  await waitFor(() => observed.includes('failed'));
  const { rows } = await db.pool.query<{ seconds: number }>(
    'SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM pending_emails',
  );
  expect(rows[0]?.seconds).toBeGreaterThan(0);
  expect(rows[0]?.seconds).toBeLessThanOrEqual(60);
  await makeDue();
  await waitFor(() => observed.includes('sent'));
  expect(observed).toEqual(['failed', 'sent']);
  expect(received.map((email) => email.header('message-id'))).toEqual([`<${id}@hooks.acme.example>`]);
});

it('drops an email when the server refuses the address, and after eight attempts', async () => {
  await account();
  await addConfirmed('jo@example.com');
  await happen('subscription:disabled', { reason: 'gone' });
  refusals.push({ at: 'rcpt', responseCode: 550 });
  const observed: string[] = [];
  start(observed);
  await waitFor(() => observed.includes('dropped'));
  expect(await pendingEmails()).toBe(0);

  await happen('subscription:recovered', {});
  await db.pool.query('UPDATE pending_emails SET attempt_count = 7');
  refusals.push({ at: 'data', responseCode: 554 });
  await waitFor(() => observed.length === 2);
  expect(observed).toEqual(['dropped', 'dropped']);
  expect(await pendingEmails()).toBe(0);
  expect(received).toEqual([]);
});

it('keeps an email while the mail server is away', async () => {
  await account();
  await addConfirmed('jo@example.com');
  await happen('subscription:disabled', { reason: 'gone' });
  const observed: string[] = [];
  start(observed, { smtpUrl: 'smtp://127.0.0.1:1' });
  await waitFor(() => observed.includes('failed'));
  await loops.pop()?.stop();
  expect(await pendingEmails()).toBe(1);
  await makeDue();
  start(observed);
  await waitFor(() => received.length === 1);
});

it('two workers send each email once', async () => {
  await account();
  for (let n = 0; n < 15; n += 1) await addConfirmed(`jo-${n}@example.com`);
  await happen('subscription:disabled', { reason: 'gone' });
  start();
  start();
  await waitFor(async () => (await pendingEmails()) === 0);
  const addresses = received.flatMap(({ to }) => to);
  expect(addresses).toHaveLength(15);
  expect(new Set(addresses).size).toBe(15);
});

it('stores nothing without a mail server', async () => {
  await account();
  await addConfirmed('jo@example.com');
  await happen('subscription:disabled', { reason: 'gone' }, { sendsEmails: false });
  expect(await pendingEmails()).toBe(0);
});

it('adds at most twenty addresses a day, each once', async () => {
  await account();
  const ids: string[] = [];
  for (let n = 0; n < 20; n += 1) ids.push(await add(`jo-${n}@example.com`));
  expect((await addRecipient({ db }, { accountId, address: 'jo-0@example.com' })).outcome).toBe('exists');
  expect((await addRecipient({ db }, { accountId, address: 'one-more@example.com' })).outcome).toBe('too_many');
  await removeRecipient({ db }, { accountId, id: ids[0] ?? '' });
  expect((await addRecipient({ db }, { accountId, address: 'one-more@example.com' })).outcome).toBe('too_many');
  await db.pool.query(
    `UPDATE email_recipients SET removed_at = now() - interval '25 hours' WHERE removed_at IS NOT NULL`,
  );
  expect((await addRecipient({ db }, { accountId, address: 'one-more@example.com' })).outcome).toBe('added');
  expect(await addRecipient({ db }, { accountId: 'nobody', address: 'jo@example.com' })).toEqual({
    outcome: 'account_unknown',
  });
});
