import { z } from 'zod';
import { ExportLinkId } from './id.js';
import { text, time, timeOrNull } from './text.js';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** `schema`: the name of a row's schema in the OpenAPI document. */
export const exportFormat = (schema: string) =>
  z
    .enum(EXPORT_FORMATS)
    .default('csv')
    .describe(`\`csv\`: with a header line, for spreadsheets · \`ndjson\`: one \`${schema}\` as JSON per line.`);

export const ExportLink = z
  .object({
    id: ExportLinkId,
    url: z.string().describe('Downloads the export. It works once and needs no key: do not store or log it.'),
    token: z.string().describe('The same token on its own.'),
    expiresAt: time('The link expires at this time, 1 minute after it was created.'),
  })
  .meta({ id: 'ExportLink' });
export type ExportLink = z.infer<typeof ExportLink>;

export const ExportLinkState = z
  .object({
    id: ExportLinkId,
    expiresAt: ExportLink.shape.expiresAt,
    openedAt: timeOrNull('When the download started. null: it has not started.'),
  })
  .meta({ id: 'ExportLinkState' });
export type ExportLinkState = z.infer<typeof ExportLinkState>;

export const OpenExportLinkQuery = z.strictObject({
  token: text(1, 200)
    .describe('The token of an export link.')
    .meta({ examples: ['replace-this-with-the-token-of-the-link'] }),
});
