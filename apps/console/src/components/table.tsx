import type { CSSProperties, ReactNode } from 'react';
import './table.css';

interface Column {
  name: string;
  /** As narrow as its content. */
  isTight: boolean;
  /** For screen readers only, because the content is self-explanatory. */
  isHidden?: boolean;
}

export const tight = (name: string): Column => ({ name, isTight: true });
export const ACTIONS: Column = { name: 'Actions', isTight: true, isHidden: true };

/** A list as a table. On a phone, rows become cards, and a cell's `data-label` replaces the column's name. */
export function Table({
  caption,
  columns,
  widths,
  children,
}: {
  caption: string;
  columns: readonly (string | Column)[];
  /** The width of each column, or its share of the remaining width. A long list needs them: without them, the browser lays out all rows to
   *  find the widths, instead of only the visible ones. */
  widths?: readonly (string | number)[];
  children: ReactNode;
}) {
  return (
    <div className="table-wrap">
      <table
        className={widths === undefined ? 'responsive' : 'responsive tracked'}
        style={widths && variablesOf(widths)}
      >
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const {
                name,
                isTight,
                isHidden = false,
              } = typeof column === 'string' ? { name: column, isTight: false } : column;
              return (
                <th key={name} scope="col" className={isTight ? 'tight' : undefined}>
                  {isHidden ? <span className="visually-hidden">{name}</span> : name}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** CSS variables with the width of each column. Fixed widths lay out faster than a grid. */
function variablesOf(widths: readonly (string | number)[]): CSSProperties {
  const given = widths.filter((width) => typeof width === 'string').join(' + ');
  const shares = widths.reduce<number>((sum, width) => (typeof width === 'number' ? sum + width : sum), 0);
  return Object.fromEntries(
    widths.map((width, index) => [
      `--width-${index + 1}`,
      typeof width === 'string' ? width : `calc((100% - (${given})) * ${width / shares})`,
    ]),
  );
}
