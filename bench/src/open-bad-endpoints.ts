import { once } from 'node:events';
import { forkHere } from './fork-here.js';

/** An attempt at `/once-failing`. */
export interface SeenAttempt {
  /** The header `webhook-id`: the event's id. */
  id: string;
  at: number;
  isRetry: boolean;
}

export type BadKind = 'hang' | 'drip' | 'gigabyte' | 'reset' | 'slow' | 'at-once' | 'once-failing';

export interface BadEndpoints {
  url(kind: BadKind): string;
  onAttempt(hear: (seen: SeenAttempt) => void): void;
  close(): void;
}

export async function openBadEndpoints(): Promise<BadEndpoints> {
  const process = forkHere('./bad-endpoints.js');
  const [{ port }] = (await once(process, 'message')) as [{ port: number }];
  return {
    url: (kind) => `http://127.0.0.1:${port}/${kind}`,
    onAttempt: (hear) => void process.on('message', hear),
    close: () => void process.kill(),
  };
}
