import { type RefObject, useLayoutEffect } from 'react';

/** Shows a `<dialog>` as long as it is rendered: the browser keeps the focus in it, and gives it back to what had it before. */
export function useModal(ref: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser would take the first button, which closes it: where there is something to fill in, that comes first.
      dialog.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea)')?.focus();
    }
    return () => {
      dialog?.close();
      // What had the focus before may be gone: an empty list's button, or a row that was deleted.
      const { activeElement } = document;
      if (activeElement === document.body || dialog?.contains(activeElement)) document.getElementById('main')?.focus();
    };
  }, [ref]);
}
