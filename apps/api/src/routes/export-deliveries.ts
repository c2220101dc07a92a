import type { Readable } from 'node:stream';
import { DeliveryExportQuery, toTypeId } from '@posthorn/contract';
import { z } from 'zod';
import { FORMATS, type ExportFormat } from '../delivery-export.js';
import type { ApiDeps, Routes } from '../deps.js';
import { TooManyExports, Unauthenticated, Unavailable } from '../errors.js';
import { openExportStream } from '../export-stream.js';
import type { Caller } from '../plugins/api-key.js';
import { openShares, type Share } from '../shares.js';
import { deliveryJson, readShown } from './delivery-json.js';
import { readPage, type Wanted, wantedOf } from './delivery-page.js';
import { AccountParams, requireAccount } from './params.js';

/** Concurrent exports per process. Each runs one statement at a time. */
const MAX_PER_CALLER = 2;
const MAX_PER_ACCOUNT = 4;
const MAX_PER_PROCESS = 20;
/** Deliveries per page: some milliseconds of CPU. */
const PAGE_SIZE = 250;

const text = z.custom<Readable>().meta({ type: 'string', description: 'One delivery per line, newest first.' });

export const deliveryExportRoutes: Routes<'db' | 'reader' | 'retries'> = (app, deps) => {
  const acquireShares = openShares();
  const open = new Set<Readable>();
  let isClosed = false;

  // preClose runs before the server waits for open connections. The reader sees from the broken transfer that the export is incomplete.
  app.addHook('preClose', async () => {
    isClosed = true;
    for (const readable of open) readable.destroy();
  });

  app.get(
    '/v1/accounts/:account/deliveries/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'deliveries:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'deliveries.export',
        summary: 'Export deliveries as CSV or NDJSON',
        description:
          'Streams all deliveries that match the filters, newest first. Posthorn reads them in pages, as fast as you read the response, and ' +
          'each delivery has the state of the moment when its page was read. Deliveries created after the export started are not included. ' +
          'If the connection ends early, the export is incomplete: export the rest with `to` just after the `created_at` of the last line, and ' +
          'ignore repeated ids. ' +
          'Posthorn closes the connection if you read nothing for a minute. ' +
          'In CSV, a text that begins with `=`, `+`, `-` or `@` gets a leading apostrophe, so that spreadsheets do not run it as a formula. ' +
          'At most 2 exports per key or portal, 4 per account and 20 per API process run at the same time. Another one gets a 429.',
        tags: ['Deliveries'],
        params: AccountParams,
        querystring: DeliveryExportQuery,
        response: {
          200: {
            description: 'The deliveries.',
            content: { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } },
          },
        },
      },
    },
    async ({ params: { account }, query: { format, ...filter }, caller }, reply) => {
      if (caller === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
      const wanted = wantedOf(account, filter);
      await requireAccount(deps, account, []);
      if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
      const acquired = acquireShares(sharesOf(caller, account));
      if (acquired.outcome === 'full') throw new TooManyExports(acquired.share.holder, acquired.share.max);
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
  );
};

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
