import { useEffect, useRef } from 'react';

/** When a drawer closes, focuses the row that it showed last. After a reload, no element had the focus before, and the drawer may have
 *  stepped to another row. */
export function useFocusRow(id: string): void {
  const latest = useRef(id);
  useEffect(() => void (latest.current = id), [id]);
  useEffect(() => () => document.getElementById(latest.current)?.focus(), []);
}
