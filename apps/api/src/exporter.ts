import type { Readable } from 'node:stream';
import { type DeliveryExportQuery, toTypeId } from '@posthorn/contract';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { FORMATS, type ExportFormat } from './delivery-export.js';
import type { ApiDeps, App } from './deps.js';
import { TooManyExports, Unavailable } from './errors.js';
import { openExportStream } from './export-stream.js';
import type { Caller } from './plugins/api-key.js';
import { openShares, type Share } from './shares.js';
import { deliveryJson, readShown } from './routes/delivery-json.js';
import { readPage, type Wanted, wantedOf } from './routes/delivery-page.js';

/** Concurrent exports per process. Each runs one statement at a time. */
const MAX_PER_CALLER = 2;
const MAX_PER_ACCOUNT = 4;
const MAX_PER_PROCESS = 20;
/** Deliveries per page: some milliseconds of CPU. */
const PAGE_SIZE = 250;

export interface Exporter {
  /** Throws TooManyExports if the caller cannot start another export now. */
  requireShare(caller: Caller, account: string): void;
  /** Streams the deliveries of an account that match the query. Throws TooManyExports, before anything is sent. */
  send(
    reply: FastifyReply,
    wanted: { caller: Caller; account: string; query: z.output<typeof DeliveryExportQuery> },
  ): FastifyReply;
}

/** Streams exports, within the limits of their callers, until the server closes. */
export function openExporter(app: App, deps: Pick<ApiDeps, 'reader' | 'retries'>): Exporter {
  const acquireShares = openShares();
  const open = new Set<Readable>();
  let isClosed = false;

  // preClose runs before the server waits for open connections. The reader sees from the broken transfer that the export is incomplete.
  app.addHook('preClose', async () => {
    isClosed = true;
    for (const readable of open) readable.destroy();
  });

  function acquire(caller: Caller, account: string): { release(): void } {
    const acquired = acquireShares(sharesOf(caller, account));
    if (acquired.outcome === 'full') throw new TooManyExports(acquired.share.holder, acquired.share.max);
    return acquired;
  }

  return {
    requireShare: (caller, account) => acquire(caller, account).release(),
    send(reply, { caller, account, query: { format, ...filter } }) {
      const wanted = wantedOf(account, filter);
      if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
      const acquired = acquire(caller, account);
      const readable = openExportStream(exportOf(deps, wanted, format));
      open.add(readable);
      readable.on('close', () => {
        open.delete(readable);
        acquired.release();
      });
      return reply
        .type(FORMATS[format].contentType)
        .header('content-disposition', `attachment; filename="deliveries-${account}.${format}"`)
        .header('x-accel-buffering', 'no')
        .send(readable);
    },
  };
}

/** Yields the head of the export, then the text of each page with deliveries. */
async function* exportOf(
  deps: Pick<ApiDeps, 'reader' | 'retries'>,
  wanted: Wanted,
  format: ExportFormat,
): AsyncGenerator<string> {
  const { head, line } = FORMATS[format];
  if (head !== '') yield head;
  // Excludes deliveries created after the start: their ids are greater.
  for (let beforeId: string | null | undefined; beforeId !== null;) {
    const page = { ...wanted, beforeId, limit: PAGE_SIZE };
    const { result } = await deps.reader.read(async (db) => {
      const found = await readPage(db, page);
      return { ...found, shownOf: await readShown(db, found.rows) };
    });
    const { rows, searchedTo, shownOf } = result;
    if (rows.length > 0) yield rows.map((row) => line(deliveryJson(deps, row, shownOf(row)))).join('');
    beforeId = searchedTo ?? (rows.length < PAGE_SIZE ? null : (rows.at(-1)?.id ?? null));
  }
}

function sharesOf(caller: Caller, account: string): Share[] {
  const shares = [
    { holder: `The account ${account}`, max: MAX_PER_ACCOUNT },
    { holder: 'This server', max: MAX_PER_PROCESS },
  ];
  switch (caller.kind) {
    case 'operator':
      return shares;
    case 'account':
      return [{ holder: `The key ${toTypeId('key', caller.keyId)}`, max: MAX_PER_CALLER }, ...shares];
    case 'portal':
      return [
        { holder: `This portal session (${toTypeId('ses', caller.session.id)})`, max: MAX_PER_CALLER },
        ...shares,
      ];
    default:
      return caller satisfies never;
  }
}
