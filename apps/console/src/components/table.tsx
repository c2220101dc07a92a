import type { CSSProperties, ReactNode } from 'react';
import './table.css';

interface Column {
  name: string;
  /** No wider than what is in it. */
  isTight: boolean;
  /** Only read out: what is in it says by itself what it is. */
  isHidden?: boolean;
}

export const tight = (name: string): Column => ({ name, isTight: true });
export const ACTS: Column = { name: 'Acts', isTight: true, isHidden: true };

/** A list as a table, whose rows become cards on a phone: there a cell's `data-label` stands for the column's name. */
export function Table({
  caption,
  columns,
  widths,
  children,
}: {
  caption: string;
  columns: readonly (string | Column)[];
  /** How wide each column is, or its share of what is left: for a list that may be long. Without, a browser lays out all rows to find
   *  that out; so it does with those alone that are near to what is seen. */
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

/** As what a cell of that column is as wide as: a row that has these alone is laid out quicker than a grid is. */
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
