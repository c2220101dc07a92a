import { useSyncExternalStore } from 'react';

const query = matchMedia('(width < 900px)');

/** A screen with no room beside a list. */
export const useIsNarrow = (): boolean =>
  useSyncExternalStore(
    (onChange) => {
      query.addEventListener('change', onChange);
      return () => query.removeEventListener('change', onChange);
    },
    () => query.matches,
  );
