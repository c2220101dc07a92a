const WIDTH = 30;
const EVERY_MS = 100;

export interface ProgressBar {
  update(done: number, total: number): void;
  /** Removes the bar. */
  end(): void;
}

/** A bar on stderr for long work. Writes nothing unless a person reads stderr. `now` is in milliseconds. */
export function openProgressBar(
  label: string,
  {
    err = process.stderr,
    now = Date.now,
  }: { err?: NodeJS.WritableStream & { isTTY?: boolean }; now?: () => number } = {},
): ProgressBar {
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    update(done, total) {
      if (!err.isTTY || (now() - drawnAt < EVERY_MS && done < total)) return;
      drawnAt = now();
      isShown = true;
      err.write(`\r\u001b[K${progressText(label, done, total)}`);
    },
    end() {
      if (isShown) err.write('\r\u001b[K');
      isShown = false;
    },
  };
}

export function progressText(label: string, done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * WIDTH);
  return `${label} [${'='.repeat(full)}${' '.repeat(WIDTH - full)}] ${Math.floor(share * 100)} % (${done} of ${total})`;
}
