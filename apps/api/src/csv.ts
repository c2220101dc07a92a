export type Cell = string | number | null;

/** Returns a line of CSV (RFC 4180). Spreadsheets run a text that begins with = + - @ as a formula, so it gets a leading apostrophe, as OWASP
 *  advises. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvCell).join(',')}\r\n`;

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
