import { Check, Copy as CopyIcon } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Button } from './button.js';
import { useToast } from './toasts.js';
import './copy.css';

/** Copies a text to the clipboard and confirms it. */
export function Copy({ text, what, children }: { text: string; what: string; children?: string }) {
  const [isDone, setIsDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setIsDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [isDone]);
  const Icon = isDone ? Check : CopyIcon;
  const label = isDone ? 'Copied' : `Copy ${what}`;
  return (
    <Button
      {...(children === undefined ? { look: 'plain' as const, size: 'tiny' as const, label } : {})}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setIsDone(true))}
    >
      <Icon className="icon" aria-hidden />
      {children !== undefined && (isDone ? 'Copied' : children)}
      <span className="visually-hidden" role="status">
        {isDone ? 'Copied' : ''}
      </span>
    </Button>
  );
}

/** Copies a text to the clipboard and reports it in a toast. */
export function useCopy(): (text: string) => Promise<void> {
  const toast = useToast();
  return useCallback(
    (text) =>
      navigator.clipboard.writeText(text).then(
        () => toast('Copied.'),
        () => toast('The browser did not allow copying.'),
      ),
    [toast],
  );
}

/** An ID, shortened in the middle. Hover shows all of it. */
export function Id({ id, what = 'ID' }: { id: string; what?: string }) {
  return (
    <span className="id">
      <span className="mono" title={id}>
        {id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id}
      </span>
      <Copy text={id} what={what} />
    </span>
  );
}
