import { useState } from 'react';

/** Keeps the rows of a list in place while new ones arrive: shown rows update where they are, new rows are counted until `showNew`.
 *  A different `key` means a different list, which is shown at once. */
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
    rows: shown.rows.length === 0 ? latest : shown.rows.map((row) => now.get(row.id) ?? row),
    newCount: shown.rows.length === 0 ? 0 : latest.filter(({ id }) => !ids.has(id)).length,
    showNew: () => setShown({ key, rows: latest }),
  };
}
