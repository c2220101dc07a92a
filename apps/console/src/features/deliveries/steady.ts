import { useState } from 'react';

/** A list that does not move under the pointer: rows that are shown stay where they are and follow what becomes of them; those that
 *  came meanwhile are counted, and shown when they are asked for. `key` names the list: another one is shown at once. */
export function useSteady<T extends { id: string }>(
  latest: T[] | undefined,
  key: string,
): { rows: T[] | undefined; newCount: number; showNew: () => void } {
  const [shown, setShown] = useState<{ key: string; rows: T[] }>();
  if (latest !== undefined && shown?.key !== key) setShown({ key, rows: latest });
  if (shown?.key !== key || latest === undefined) return { rows: latest, newCount: 0, showNew: () => {} };
  const now = new Map(latest.map((row) => [row.id, row]));
  const ids = new Set(shown.rows.map(({ id }) => id));
  return {
    // An empty list has nothing that could move.
    rows: shown.rows.length === 0 ? latest : shown.rows.map((row) => now.get(row.id) ?? row),
    newCount: shown.rows.length === 0 ? 0 : latest.filter(({ id }) => !ids.has(id)).length,
    showNew: () => setShown({ key, rows: latest }),
  };
}
