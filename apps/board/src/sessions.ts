import { randomBytes } from 'node:crypto';

/** The sessions of this process. A logout ends the session here, not only in the browser; a restart ends all sessions. */
export type Sessions = {
  open(): string;
  has(id: string): boolean;
  close(id: string): void;
};

export function openSessions(options: { lastsMs: number; now: () => number }): Sessions {
  const { lastsMs, now } = options;
  const endsAt = new Map<string, number>();
  return {
    open() {
      // Oldest first, and all sessions last equally long, so expired sessions are at the front.
      for (const [id, end] of endsAt) {
        if (end > now() && endsAt.size < MAX_SESSIONS) break;
        endsAt.delete(id);
      }
      const id = randomBytes(32).toString('base64url');
      endsAt.set(id, now() + lastsMs);
      return id;
    },
    has: (id) => (endsAt.get(id) ?? 0) > now(),
    close: (id) => void endsAt.delete(id),
  };
}

const MAX_SESSIONS = 1000;
