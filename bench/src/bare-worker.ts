import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Agent, request } from 'undici';

/** The ceiling: only BullMQ and undici. No database, signature, address check or record; the body is in the job. The arguments are
 *  Redis and the sink's URL. */
const [redisUrl = '', sinkUrl = ''] = process.argv.slice(2);
const dispatcher = new Agent({ keepAliveTimeout: 4_000 });
const worker = new Worker<{ body: string }>(
  'bare',
  async ({ data }) => {
    const { body } = await request(sinkUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: data.body,
      dispatcher,
    });
    await body.dump();
  },
  {
    connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
    concurrency: 200,
    autorun: false,
    removeOnComplete: { count: 200 },
  },
);
process.on('message', () => void worker.run());
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
