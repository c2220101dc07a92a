import type { ExportFormat } from '@posthorn/contract';
import { type Cell, csvLine } from './csv.js';

export const CONTENT_TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
};

/** How an export writes its rows. */
export interface RowFormat<Row> {
  /** The first line. */
  head: string;
  line: (row: Row) => string;
}

/** A row as one line of JSON, or as these cells of CSV. */
export const rowFormats = <Row>(
  columns: [name: string, cell: (row: Row) => Cell][],
): Record<ExportFormat, RowFormat<Row>> => ({
  csv: {
    head: csvLine(columns.map(([name]) => name)),
    line: (row) => csvLine(columns.map(([, cell]) => cell(row))),
  },
  ndjson: { head: '', line: (row) => `${JSON.stringify(row)}\n` },
});
