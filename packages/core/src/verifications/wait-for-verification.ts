import { setTimeout as pause } from 'node:timers/promises';
import type { Deps } from '../deps.js';
import type { Verification } from '../generated/prisma/client.js';

const LOOK_EVERY_MS = 50;

/** Waits for the first recorded try of a verification, at most `timeoutMs`; resolves with how it stands then, null if it
 *  is gone. For Papercups' routes, whose callers expect the truth in the answer. */
export async function waitForVerification(
  { db }: Pick<Deps, 'db'>,
  { id, timeoutMs }: { id: string; timeoutMs: number },
): Promise<Verification | null> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const verification = await db.prisma.verification.findUnique({ where: { id } });
    if (!verification || verification.attemptCount > 0 || verification.status !== 'pending') return verification;
    if (performance.now() >= until) return verification;
    await pause(LOOK_EVERY_MS);
  }
}
