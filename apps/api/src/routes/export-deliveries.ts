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

/** Exports at once, per process. Each runs one statement at a time. */
const MOST_OF_CALLER = 2;
const MOST_OF_ACCOUNT = 4;
const MOST_OF_PROCESS = 20;
/** Deliveries that are read and written at once: some milliseconds of the process. */
const AT_ONCE = 250;

const text = z.custom<Readable>().meta({ type: 'string', description: 'One delivery per line, newest first.' });

export const deliveryExportRoutes: Routes<'db' | 'reader' | 'maxAttempts'> = (app, deps) => {
  const takeShare = openShares();
  const open = new Set<Readable>();
  let isClosed = false;

  // Before the server waits for its connections. A broken transfer tells the reader that the export is not complete.
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
          'All deliveries that the list has with the same filters, newest first, as a stream. It is read page by page as fast as you take it, ' +
          'so it shows each delivery as it is when its page is read, and no deliveries created after the start. A transfer that breaks off is ' +
          'not complete: repeat it with `to`. It breaks off when you read nothing for a minute. In CSV, a text that begins with `=`, `+`, `-` ' +
          'or `@` gets an apostrophe in front, since spreadsheets would run it as a formula. At once, a caller may have 2 exports, an account ' +
          '4 and a process 20; one more is a 429.',
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
      if (caller === null) throw new Unauthenticated('Send a key: authorization: Bearer <key>.');
      const wanted = wantedOf(account, filter);
      await requireAccount(deps, account, []);
      if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
      const taken = takeShare(sharesOf(caller, account));
      if (taken.outcome === 'full') throw new TooManyExports(taken.share.holder, taken.share.most);
      const readable = openExportStream(exportOf(deps, wanted, format));
      open.add(readable);
      readable.on('close', () => {
        open.delete(readable);
        taken.release();
      });
      return reply
        .type(FORMATS[format].contentType)
        .header('content-disposition', `attachment; filename="deliveries-${account}.${format}"`)
        .header('x-accel-buffering', 'no')
        .send(readable);
    },
  );
};

/** The export as text: a head, and then a text for each page that has deliveries. */
async function* exportOf(
  deps: Pick<ApiDeps, 'reader' | 'maxAttempts'>,
  wanted: Wanted,
  format: ExportFormat,
): AsyncGenerator<string> {
  const { head, line } = FORMATS[format];
  if (head !== '') yield head;
  // Nothing that is created after the start: its ids come later.
  for (let beforeId: string | null | undefined; beforeId !== null;) {
    const page = { ...wanted, beforeId, limit: AT_ONCE };
    const { result } = await deps.reader.read(async (db) => {
      const found = await readPage(db, page);
      return { ...found, shownOf: await readShown(db, found.rows) };
    });
    const { rows, searchedTo, shownOf } = result;
    if (rows.length > 0) yield rows.map((row) => line(deliveryJson(deps, row, shownOf(row)))).join('');
    beforeId = searchedTo ?? (rows.length < AT_ONCE ? null : (rows.at(-1)?.id ?? null));
  }
}

function sharesOf(caller: Caller, account: string): Share[] {
  const shares = [
    { holder: `The account ${account}`, most: MOST_OF_ACCOUNT },
    { holder: 'This server', most: MOST_OF_PROCESS },
  ];
  switch (caller.kind) {
    case 'operator':
      return shares;
    case 'account':
      return [{ holder: `The key ${toTypeId('key', caller.keyId)}`, most: MOST_OF_CALLER }, ...shares];
    case 'portal':
      return [
        { holder: `This portal session (${toTypeId('ses', caller.session.id)})`, most: MOST_OF_CALLER },
        ...shares,
      ];
    default:
      return caller satisfies never;
  }
}
