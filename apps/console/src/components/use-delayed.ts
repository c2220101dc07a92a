import { useEffect, useState } from 'react';

/** A pause of this length while typing starts a search. */
const PAUSE_MS = 150;

/** Returns the text after it has been the same for a while. */
export function useDelayed(text: string): string {
  const [delayed, setDelayed] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return delayed;
}
