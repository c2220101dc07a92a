import { emitKeypressEvents } from 'node:readline';

interface Keypress {
  name?: string;
  ctrl?: boolean;
}

/** Calls back for single keys while stdin is a terminal. Returns how to end it; null: stdin is not a terminal. */
export function readKeys(onKey: (key: string) => void, input = process.stdin): (() => void) | null {
  if (!input.isTTY) return null;
  const press = (_text: string | undefined, { name, ctrl }: Keypress) => {
    if (name !== undefined) onKey(ctrl ? `ctrl-${name}` : name);
  };
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', press);
  input.resume();
  return () => {
    input.off('keypress', press);
    input.setRawMode(false);
    input.pause();
  };
}
