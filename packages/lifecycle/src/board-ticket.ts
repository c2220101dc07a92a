import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const LASTS_MS = 60_000;

/** Creates a ticket that signs its holder in to Bull Board within a minute. The API creates it for a signed-in operator, and the board verifies
 *  it with the same operator key, so they need no connection to each other. The ticket itself is a secret. */
export function signBoardTicket({ operatorKey, now }: { operatorKey: string; now: number }): {
  ticket: string;
  expiresAt: Date;
} {
  const expiresAt = new Date(now + LASTS_MS);
  const claims = `${expiresAt.getTime()}.${randomBytes(16).toString('base64url')}`;
  return { ticket: `${claims}.${sign(claims, operatorKey)}`, expiresAt };
}

/** Checks tickets, and accepts each one once. */
export interface BoardTickets {
  /** Whether the ticket is ours, has not expired and was not accepted before. */
  accept(ticket: string): boolean;
}

export function openBoardTickets({ operatorKey, now }: { operatorKey: string; now: () => number }): BoardTickets {
  const accepted = new Map<string, number>();
  return {
    accept(ticket) {
      const [, claims = '', expiresAt = '', signature = ''] = TICKET.exec(ticket) ?? [];
      if (!isSame(signature, sign(claims, operatorKey))) return false;
      if (Number(expiresAt) <= now() || accepted.has(claims)) return false;
      for (const [old, end] of accepted) if (end <= now()) accepted.delete(old);
      accepted.set(claims, Number(expiresAt));
      return true;
    },
  };
}

const TICKET = /^((\d{1,15})\.[\w-]{22})\.([\w-]{43})$/;

/** The key is derived, so that a ticket's signature is valid for nothing else that the operator key signs. */
function sign(claims: string, operatorKey: string): string {
  const key = createHmac('sha256', operatorKey).update('posthorn board ticket v1').digest();
  return createHmac('sha256', key).update(claims).digest('base64url');
}

function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
