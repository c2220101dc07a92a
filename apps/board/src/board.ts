import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyPluginCallback } from 'fastify';
import { type JobPlace, type Producer, QUEUES, QUEUE_NAMES, type QueueName, subjectsOf } from '@posthorn/jobs';
import { HORN_DATA_URL } from './horn.js';

/** Bull Board over the given queues. Jobs hold only ids; anything else in a job is hidden. */
export function buildBoard(options: {
  queues: Producer['queues'];
  readOnly: boolean;
  apiUrl: string | null;
}): FastifyPluginCallback {
  const { queues, readOnly, apiUrl } = options;
  const serverAdapter = new FastifyAdapter();
  createBullBoard({
    queues: QUEUE_NAMES.flatMap((name) =>
      queues[name].map((queue, shard, { length }) =>
        adapt(queue, { name, title: titleOf({ queue: name, shard }, length), readOnly, apiUrl }),
      ),
    ),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Posthorn queues',
        boardLogo: { path: HORN_DATA_URL, width: 28, height: 28 },
        favIcon: { default: HORN_DATA_URL, alternative: HORN_DATA_URL },
        hideDocsLink: true,
        hideRedisDetails: true,
        // Otherwise every poll would run CLIENT LIST per queue and show client addresses.
        showWorkers: false,
        pollingInterval: { showSetting: false, forceInterval: 5 },
        environment: readOnly
          ? { label: 'read only', color: '#475569', textColor: '#ffffff' }
          : { label: 'can change queues · a retry here makes an attempt', color: '#b45309', textColor: '#ffffff' },
        miscLinks: [
          ...(apiUrl === null ? [] : [{ text: 'API docs', url: `${apiUrl}/docs` }]),
          { text: 'Log out', url: '/logout' },
        ],
        theme: { light: SYSTEM_FONTS, dark: SYSTEM_FONTS },
      },
    },
  });
  return serverAdapter.registerPlugin();
}

/** The name of a queue on the board. */
const titleOf = ({ queue, shard }: Pick<JobPlace, 'queue' | 'shard'>, shards: number): string =>
  shards === 1 ? queue : `${queue}-${shard}`;

/** The page of a job on the board. */
export const pathOfJob = (place: JobPlace, queues: Producer['queues']): string =>
  `/queue/${titleOf(place, queues[place.queue].length)}/${place.jobId}`;

/** The console's page with the deliveries of a job. */
function linkToDeliveries(apiUrl: string, ids: string[]): { displayText: string; href: string } {
  return {
    displayText: ids.length === 1 ? 'Open the delivery' : `Open the ${ids.length} deliveries`,
    href: `${apiUrl}/deliveries/${ids.join(',')}`,
  };
}

function adapt(
  queue: Producer['queues'][QueueName][0],
  { name, title, readOnly, apiUrl }: { name: QueueName; title: string; readOnly: boolean; apiUrl: string | null },
): BullMQAdapter {
  const { about } = QUEUES[name];
  const adapter = new BullMQAdapter(queue, {
    readOnlyMode: readOnly,
    displayName: title,
    description: readOnly ? about : `${RETRY[name]} ${about}`,
    ...(apiUrl !== null &&
      name !== 'verify' && {
        externalJobUrl: ({ id, data }) => linkToDeliveries(apiUrl, subjectsOf(name, { id: id?.toString(), data })),
      }),
  });
  adapter.getName = () => title; // the board identifies queues by name, and all shards use the same names
  adapter.setFormatter('name', (job: { id?: string; name: string }) => job.id ?? job.name);
  adapter.setFormatter('data', onlyIds);
  adapter.setFormatter('returnValue', onlyIds);
  adapter.setFormatter('progress', onlyIds);
  return adapter;
}

// The workers implement what a retry does. Other changes here do not reach the ledger: the dispatcher enqueues removed jobs again.
const ATTEMPT =
  'A retry here makes one more attempt of each delivery of the job (for a failed job: of each failed delivery) in a new job, which the result names.';
const RETRY: Record<QueueName, string> = {
  deliver: ATTEMPT,
  retry: ATTEMPT,
  verify: 'A retry here has no effect. Use the API to verify again.',
};

/** Reduces a job's data, progress or result to ids, numbers and single words, per delivery. Hides payloads, URLs and secrets. */
function onlyIds(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return ID_OR_WORD.test(value) ? value : HIDDEN;
  if (Array.isArray(value)) return HIDDEN;
  if (typeof value !== 'object') return HIDDEN;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (key === 'accountId' && typeof entry === 'string' && ACCOUNT_ID.test(entry)) return [key, entry];
      if (key === 'givenBack' && Array.isArray(entry)) return [key, entry.map(onlyIds)];
      const isNested = typeof entry === 'object' && entry !== null && key !== 'deliveries' && !ATTEMPT_ID.test(key);
      return [key, isNested ? HIDDEN : onlyIds(entry)];
    }),
  );
}

// A TypeID, a job id (`dlv_…-3`), an outcome (`http_error`) or a time. Signing secrets begin with whsec_.
const ID_OR_WORD =
  /^(?!whsec_)(?:[a-z]{2,8}_[0-9a-z]{26}(?:-\d+)?|[a-z]+(?:[_ ][a-z]+){0,3}|\d{4}-\d{2}-\d{2}T[\d:.]+Z)$/;
const ATTEMPT_ID = /^dlv_[0-9a-z]{26}-\d+$/;
// Chosen by the chat app.
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const HIDDEN = '(not shown)';

const SYSTEM_FONTS = {
  'font-sans': 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  'font-mono': 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
};
