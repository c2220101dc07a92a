import type { ExportFormat, ExportLink, ExportLinkState } from '@posthorn/contract';
import { accountPath } from '../api/account-path.js';
import { call, query } from '../api/call.js';
import type { DeliveryFilters } from './deliveries.js';
import type { EventFilters } from './events.js';

/** The rows that an export contains. */
export type Exported =
  | { what: 'deliveries'; filters: Omit<DeliveryFilters, 'cursor' | 'limit'> }
  | { what: 'events'; filters: Omit<EventFilters, 'cursor' | 'limit'> };

/** A link that downloads an export, once. */
export const createExportLink = (
  account: string,
  { what, filters, format }: Exported & { format: ExportFormat },
): Promise<ExportLink> => {
  const path = what === 'deliveries' ? 'export-links' : `${what}/export-links`;
  return call<ExportLink>('POST', `${accountPath(account)}/${path}${query({ ...filters, format })}`);
};

export const readExportLink = (account: string, id: string) =>
  call<ExportLinkState>('GET', `${accountPath(account)}/export-links/${id}`);
