import type { Readable } from 'node:stream';
import { z } from 'zod';

/** Documents the response of an export. `row`: what a line is. */
export const exportResponse = (row: string) => {
  const text = z.custom<Readable>().meta({ type: 'string', description: `One ${row} per line, newest first.` });
  return {
    200: {
      description: 'The rows.',
      content: { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } },
    },
  };
};

/** Documents an export. `rows`: what it contains. `state`: what a row shows. */
export const exportDescription = (rows: string, { state = '' }: { state?: string } = {}): string =>
  `Streams all ${rows} that match the filters, newest first. Posthorn reads them in pages, as fast as you read the response${state}. ` +
  `New ${rows} since the start of the export are not included. ` +
  'If the connection ends early, the export is incomplete: export the rest with `to` just after the `created_at` of the last line, and ' +
  'ignore repeated ids. ' +
  'Posthorn closes the connection if you read nothing for a minute. ' +
  'In CSV, a text that begins with `=`, `+`, `-` or `@` gets a leading apostrophe, so that spreadsheets do not run it as a formula. ' +
  'At most 2 exports per key or portal, 4 per account and 20 per API process run at the same time. Another one gets a 429.';
