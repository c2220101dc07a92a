import type { ReactNode } from 'react';

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
  tracks,
  children,
}: {
  caption: string;
  columns: readonly (string | Column)[];
  /** How wide the columns are, as of a grid: for a list that may be long. Without, a browser lays out all rows to find that out; so it
   *  does with those alone that are near to what is seen. */
  tracks?: string;
  children: ReactNode;
}) {
  return (
    <div className="table-wrap">
      <table
        className={tracks === undefined ? 'responsive' : 'responsive tracked'}
        style={{ gridTemplateColumns: tracks }}
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
