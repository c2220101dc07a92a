import type { Readable } from 'node:stream';
import { type ExportFormat, toTypeId } from '@posthorn/contract';
import type { FastifyReply } from 'fastify';
import type { App } from './deps.js';
import { TooManyExports, Unavailable } from './errors.js';
import { CONTENT_TYPES, type RowFormat } from './export-format.js';
import { openExportStream } from './export-stream.js';
import type { Caller } from './plugins/api-key.js';
import { openShares, type Share } from './shares.js';

/** Concurrent exports per process. Each runs one statement at a time. */
const MAX_PER_CALLER = 2;
const MAX_PER_ACCOUNT = 4;
const MAX_PER_PROCESS = 20;
/** Rows per page: some milliseconds of CPU. */
export const PAGE_SIZE = 250;

/** A list as a file. */
export interface Export {
  /** null: of all accounts. */
  account: string | null;
  /** The rows, such as `deliveries`. */
  what: string;
  format: ExportFormat;
  texts: AsyncGenerator<string>;
}

export interface Exporter {
  /** Throws TooManyExports if the caller cannot start another export now. */
  requireShare(caller: Caller, account: string): void;
  /** Streams an export. Throws TooManyExports, before anything is sent. */
  send(reply: FastifyReply, caller: Caller, exported: Export): FastifyReply;
}

/** Streams exports, within the limits of their callers, until the server closes. */
export function openExporter(app: App): Exporter {
  const acquireShares = openShares();
  const open = new Set<Readable>();
  let isClosed = false;

  // preClose runs before the server waits for open connections. The reader sees from the broken transfer that the export is incomplete.
  app.addHook('preClose', async () => {
    isClosed = true;
    for (const readable of open) readable.destroy();
  });

  function acquire(caller: Caller, account: string | null): { release(): void } {
    const acquired = acquireShares(sharesOf(caller, account));
    if (acquired.outcome === 'full') throw new TooManyExports(acquired.share.holder, acquired.share.max);
    return acquired;
  }

  return {
    requireShare: (caller, account) => acquire(caller, account).release(),
    send(reply, caller, { account, what, format, texts }) {
      if (isClosed) throw new Unavailable(new Error('the API is shutting down'));
      const acquired = acquire(caller, account);
      const readable = openExportStream(texts);
      open.add(readable);
      readable.on('close', () => {
        open.delete(readable);
        acquired.release();
      });
      const name = account === null ? what : `${what}-${account}`;
      return reply
        .type(CONTENT_TYPES[format])
        .header('content-disposition', `attachment; filename="${name}.${format}"`)
        .header('x-accel-buffering', 'no')
        .send(readable);
    },
  };
}

/** Yields the head of an export, then the text of each page with rows. Rows created after the start have greater ids, so no page has them. */
export async function* exportTexts<Row>(
  { head, line }: RowFormat<Row>,
  /** Returns the rows of the page before this id, and the id that the next page is before; null: it was the last page. */
  readPage: (beforeId: string | undefined) => Promise<{ rows: Row[]; nextBeforeId: string | null }>,
): AsyncGenerator<string> {
  if (head !== '') yield head;
  for (let beforeId: string | null | undefined; beforeId !== null;) {
    const { rows, nextBeforeId } = await readPage(beforeId);
    if (rows.length > 0) yield rows.map((row) => line(row)).join('');
    beforeId = nextBeforeId;
  }
}

/** Returns the id that the page after these rows is before; null: they are the last ones. `searchedTo`: where the search for them stopped. */
export const nextBeforeIdOf = (found: { id: string }[], searchedTo: string | null = null): string | null =>
  searchedTo ?? (found.length < PAGE_SIZE ? null : (found.at(-1)?.id ?? null));

function sharesOf(caller: Caller, account: string | null): Share[] {
  const shares = [
    ...(account === null ? [] : [{ holder: `The account ${account}`, max: MAX_PER_ACCOUNT }]),
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
