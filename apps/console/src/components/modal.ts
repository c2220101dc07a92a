import { type RefObject, useLayoutEffect } from 'react';

/** Opens a `<dialog>` while it is rendered. The browser keeps the focus inside and returns it afterwards. */
export function useModal(ref: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) {
      dialog.showModal();
      // The browser would focus the first button, which closes the dialog. Prefer the first input.
      dialog.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea)')?.focus();
    }
    return () => {
      dialog?.close();
      // The element that had the focus may be gone, such as a deleted row.
      const { activeElement } = document;
      if (activeElement === document.body || dialog?.contains(activeElement)) document.getElementById('main')?.focus();
    };
  }, [ref]);
}
