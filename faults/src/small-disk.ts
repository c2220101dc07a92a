import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A separate disk, small enough to fill. */
export interface SmallDisk {
  folder: string;
  /** Fills it to the last byte. */
  fill(): void;
  /** Frees the space. */
  free(): void;
  unmount(): void;
}

const SIZE = '96m'; // Redis rewrites its file from 64 MB on
const BLOCK = Buffer.alloc(256 * 1024);

/** Mounts a tmpfs. Returns null if that is not allowed (it needs root). */
export function mountSmallDisk(folder: string): SmallDisk | null {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  const filler = join(folder, 'filler');
  return {
    folder,
    fill() {
      const file = openSync(filler, 'w');
      // Fills with large blocks first, then page by page.
      for (const size of [BLOCK.length, 4_096, 1]) while (write(file, size));
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    unmount: () => void execFileSync('umount', ['-l', folder], { stdio: 'ignore' }),
  };
}

function write(file: number, size: number): boolean {
  try {
    return writeSync(file, BLOCK, 0, size) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
