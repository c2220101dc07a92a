import {
  AccountId,
  DeliveryId,
  EmailRecipientId,
  EventId,
  EventTypeName,
  ExportLinkId,
  type IdPrefix,
  KeyId,
  ReplayId,
  SessionId,
  SubscriptionId,
  toUuid,
} from '@posthorn/contract';
import { z } from 'zod';
import type { ApiDeps } from '../deps.js';
import { NotFound } from '../errors.js';

export const AccountParams = z.object({ account: AccountId });
export const KeyParams = AccountParams.extend({ key: KeyId });
export const SubscriptionParams = AccountParams.extend({ subscription: SubscriptionId });
export const EventParams = AccountParams.extend({ event: EventId });
export const DeliveryParams = AccountParams.extend({ delivery: DeliveryId });
export const ReplayParams = AccountParams.extend({ replay: ReplayId });
export const AnyReplayParams = z.object({ replay: ReplayId });
export const EmailRecipientParams = AccountParams.extend({ recipient: EmailRecipientId });
export const ExportLinkParams = AccountParams.extend({ link: ExportLinkId });
export const SessionParams = z.object({ session: SessionId });
export const EventTypeParams = z.object({ name: EventTypeName });

const NAMES: Record<IdPrefix, string> = {
  sub: 'subscription',
  evt: 'event',
  dlv: 'delivery',
  att: 'attempt',
  key: 'key',
  ver: 'verification',
  rpl: 'replay',
  ses: 'session',
  aud: 'audit log entry',
  eml: 'recipient',
  exl: 'export link',
};

/** Returns the UUID of an id. Throws NotFound if it is not an id with this prefix. */
export function uuidOf(prefix: IdPrefix, id: string): string {
  const uuid = toUuid(prefix, id);
  if (uuid === null) throw new NotFound(NAMES[prefix]);
  return uuid;
}

/** Throws NotFound if a list is empty because the account does not exist. With rows, it makes no query. */
export async function requireAccount({ db }: Pick<ApiDeps, 'db'>, id: string, rows: unknown[]): Promise<void> {
  if (rows.length > 0) return;
  if ((await db.prisma.account.count({ where: { id, deletedAt: null } })) === 0) throw new NotFound('account');
}
