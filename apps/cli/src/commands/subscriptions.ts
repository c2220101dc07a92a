import type {
  ChangedSubscription,
  CreateSubscription,
  DisableSubscription,
  QueryOf,
  Subscription,
} from '@posthorn/client';
import { withBody } from '../api/open-api.js';
import { readPages } from '../api/read-pages.js';
import { confirm } from '../input/confirm.js';
import { durationText, readJsonObject, readJsonText, readText, RESET, type Reset } from '../input/read-values.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { Cell } from '../output/table.js';
import type { ApiCall } from './context.js';
import { type ListOptions, present, printList, printOne } from './print-resource.js';

interface FieldOptions {
  url?: string;
  events?: string[];
  description?: string | Reset;
  header?: Record<string, string>;
  filter?: string | Reset;
  /** Files, so that no secret is an argument, which other users of the machine could read. */
  authentication?: string | Reset;
  certificateAuthorities?: string | Reset;
  rateLimit?: number | Reset;
  ordering?: 'none' | 'strict';
  retrySchedule?: number[] | Reset;
  attemptTimeout?: number | Reset;
}

/** Settings have the names and the values of the options that change them. */
const subscriptionFields = (of: Subscription): readonly (readonly [string, Cell])[] => [
  ['id', of.id],
  ['account', of.accountId],
  ['url', of.url],
  ...(of.pendingUrl === null ? [] : [['new url', `${of.pendingUrl}, used once it is verified`] as const]),
  ['status', of.statusReason === null ? of.status : `${of.status} (${of.statusReason})`],
  ['events', of.events.length === 0 ? 'all' : of.events.join(', ')],
  ['filter', of.filter],
  ['description', of.description],
  ['headers', namesOf(of.headers)],
  ...(of.pendingHeaders === null ? [] : [['new headers', namesOf(of.pendingHeaders)] as const]),
  ['authentication', authenticationText(of.authentication)],
  ...(of.pendingAuthentication ? [['new authentication', authenticationText(of.pendingAuthentication)] as const] : []),
  ['certificate authorities', of.certificateAuthorities ? 'public and own' : 'public'],
  ['rate limit', of.rateLimit === null ? 'none' : `${of.rateLimit} per second`],
  ['ordering', of.ordering],
  ['retry schedule', scheduleText(of.retrySchedule)],
  ['attempt timeout', of.timeoutMs === null ? 'default' : durationText(of.timeoutMs)],
  ['verification', of.verification.error ?? of.verification.status],
  ['circuit', of.circuit.state],
  ['created', of.createdAt],
];

const namesOf = (headers: Record<string, string>): string => Object.keys(headers).join(', ');

function authenticationText(of: Subscription['authentication']): string {
  if (!of) return 'none';
  return of.type === 'oauth2'
    ? `OAuth 2.0 as ${of.clientId} at ${of.tokenUrl}`
    : `client certificate ${of.subject}, expires ${of.notAfter}`;
}

function scheduleText(waits: number[] | null): string {
  if (waits === null) return 'default';
  return waits.length === 0 ? 'none' : waits.map((seconds) => durationText(seconds * 1_000)).join(',');
}

export async function listSubscriptions({
  api,
  options,
  terminal,
}: ApiCall<ListOptions & { status?: string[]; q?: string }>): Promise<void> {
  const account = await api.account();
  const { status, q } = options;
  const page = await readPages<Subscription>(options, (at) =>
    api.client.subscriptions
      .list(account, { ...at, ...present({ status, q }) } as QueryOf<'subscriptions.list'>)
      .page(),
  );
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['STATUS', (row) => row.status],
    ['EVENTS', ({ events }) => (events.length === 0 ? 'all' : events.join(','))],
    ['URL', ({ url }) => url],
  ]);
}

export async function getSubscription({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.subscriptions.get(await api.account(), id), subscriptionFields);
}

export async function createSubscription({
  api,
  options,
  terminal,
}: ApiCall<FieldOptions & { url: string }>): Promise<void> {
  const created = await api.client.subscriptions.create(await api.account(), {
    ...fieldsOf(options),
    url: options.url,
  });
  printOne(terminal, created, subscriptionFields);
  if (!terminal.isJson) {
    terminal.note(
      `Posthorn now sends the handshake to the URL. posthorn subscriptions get ${created.id} shows the result.`,
    );
  }
}

export async function updateSubscription({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<FieldOptions>): Promise<void> {
  const changes = fieldsOf(options);
  if (Object.keys(changes).length === 0) {
    throw new PlainError('Nothing to change.', {
      fix: 'Give at least one of --url, --events, --description, --header, --filter, --authentication, --certificate-authorities, --rate-limit, --ordering, --retry-schedule and --attempt-timeout.',
      exitCode: EXIT.usage,
    });
  }
  const changed: ChangedSubscription = await api.client.subscriptions.change(await api.account(), id, changes);
  printOne(terminal, changed, subscriptionFields);
  if (changes.url !== undefined && changed.pendingUrl !== null && !terminal.isJson) {
    terminal.note(
      `Posthorn now sends the handshake to the new URL. Until it is verified, events go to ${changed.url}. posthorn subscriptions get ${id} shows the result.`,
    );
  }
  if (changed.headersDropped.length > 0) {
    terminal.note(
      `Not sent to the new URL, which has another origin: ${changed.headersDropped.join(', ')}. Set them again with --header.`,
    );
  }
  if (changed.authenticationDropped) {
    terminal.note('The new URL has another origin, so it has no authentication. Set it again with --authentication.');
  }
}

export async function deleteSubscription({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ yes?: boolean }>): Promise<void> {
  const account = await api.account();
  await confirm(`Delete the subscription ${id} of ${account}?`, options.yes);
  await api.client.subscriptions.delete(account, id);
  terminal.result({ id, deleted: true }, () => `Deleted ${id}.`);
}

export async function pauseSubscription({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.subscriptions.pause(await api.account(), id), subscriptionFields);
}

export async function resumeSubscription({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.subscriptions.resume(await api.account(), id), subscriptionFields);
}

export async function disableSubscription({
  api,
  args: [id = ''],
  options: { deliveries },
  terminal,
}: ApiCall<DisableSubscription>): Promise<void> {
  const account = await api.account();
  const disabled = await api.client.subscriptions.disable(account, id, deliveries && { deliveries });
  printOne(terminal, disabled, subscriptionFields);
}

export async function verifySubscription({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.subscriptions.verify(await api.account(), id), subscriptionFields);
}

export async function testSubscription({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ event?: string; data?: string }>): Promise<void> {
  const { event, data } = options;
  const account = await api.account();
  const given = event === undefined ? {} : { event };
  const type = event === undefined ? '' : `"event":${JSON.stringify(event)},`;
  const client = data === undefined ? api.client : withBody(api, `{${type}"payload":${readJsonText(data, '--data')}}`);
  const sent = await client.subscriptions.test(account, id, given);
  printOne(terminal, sent, ({ eventId, deliveryId }) => [
    ['event', eventId],
    ['delivery', deliveryId],
  ]);
}

/** Prints only the secret, so that scripts can use it. */
export async function showSecret({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  const secrets = await api.client.subscriptions.getSecret(await api.account(), id);
  terminal.result(secrets, () => secrets.secret);
}

export async function rotateSecret({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ overlap?: number }>): Promise<void> {
  const overlapSeconds = Math.round((options.overlap ?? 86_400_000) / 1000);
  const secrets = await api.client.subscriptions.rotateSecret(await api.account(), id, { overlapSeconds });
  terminal.result(secrets, () => secrets.secret);
}

function fieldsOf({
  url,
  events,
  description,
  header,
  filter,
  authentication,
  certificateAuthorities,
  rateLimit,
  ordering,
  retrySchedule,
  attemptTimeout,
}: FieldOptions): Partial<CreateSubscription> {
  return present({
    url,
    events,
    description: orNull(description),
    headers: header,
    filter: orNull(filter),
    authentication: ofFile(authentication, (file) => readJsonObject(file, '--authentication') as SetAuthentication),
    certificateAuthorities: ofFile(certificateAuthorities, (file) => readText(file, '--certificate-authorities')),
    rateLimit: orNull(rateLimit),
    ordering,
    retrySchedule: orNull(retrySchedule),
    timeoutMs: orNull(attemptTimeout),
  });
}

type SetAuthentication = NonNullable<CreateSubscription['authentication']>;

/** What a file contains. The API checks it. */
const ofFile = <Value>(file: string | Reset | undefined, read: (file: string) => Value): Value | null | undefined =>
  file === undefined ? undefined : file === RESET ? null : read(file);

const orNull = <Value>(value: Value | Reset): Value | null => (value === RESET ? null : value);
