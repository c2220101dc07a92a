import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The content of `<data dir>/local.json`, for other commands. The file exists while the stack is up. */
export interface LocalFile {
  apiUrl: string;
  consoleUrl: string;
  boardUrl: string;
  demoUrl: string;
  operatorKey: string;
  queueBackend: 'redis' | 'postgres';
  databaseUrl: string;
  redisUrl: string | null;
  /** postgres and redis are null when the stack uses external ones. */
  pids: {
    api: number;
    workers: number[];
    board: number;
    demo: number;
    postgres: number | null;
    redis: number | null;
  };
}

/** Writes the file atomically, readable only by the owner, since it holds keys. */
export function writeLocalFile(dataDir: string, content: LocalFile): void {
  const draft = join(dataDir, 'local.json.new');
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, join(dataDir, 'local.json'));
}

/** null while no local stack is up. */
export function readLocalFile(dataDir: string): LocalFile | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8')) as LocalFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function removeLocalFile(dataDir: string): void {
  rmSync(join(dataDir, 'local.json'), { force: true });
}
