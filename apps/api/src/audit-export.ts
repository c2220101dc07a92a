import type { AuditEntry, ExportFormat } from '@posthorn/contract';
import type { ApiDeps } from './deps.js';
import { rowFormats } from './export-format.js';
import { type Export, exportTexts, nextBeforeIdOf, PAGE_SIZE } from './exporter.js';
import { type AuditFilter, entryJson, readAuditPage } from './routes/audit-page.js';

const FORMATS = rowFormats<AuditEntry>([
  ['id', ({ id }) => id],
  ['created_at', ({ createdAt }) => createdAt],
  ['done_at', ({ doneAt }) => doneAt],
  ['actor_kind', ({ actor }) => actor.kind],
  ['actor_id', ({ actor }) => actor.id],
  ['actor_name', ({ actor }) => actor.name],
  ['account_id', ({ accountId }) => accountId],
  ['action', ({ action }) => action],
  ['target_type', ({ target }) => target.type],
  ['target_id', ({ target }) => target.id],
  ['target_name', ({ target }) => target.name],
  ['changes', ({ changes }) => JSON.stringify(changes)],
  ['request_id', ({ requestId }) => requestId],
  ['address', ({ address }) => address],
]);

/** The entries of the audit log that match the filter, newest first. */
export function auditExport(
  { reader }: Pick<ApiDeps, 'reader'>,
  filter: AuditFilter,
  { format, showsAllAddresses }: { format: ExportFormat; showsAllAddresses: boolean },
): Export {
  const texts = exportTexts(FORMATS[format], async (beforeId) => {
    const { result } = await reader.read((db) => readAuditPage(db, filter, { beforeId, limit: PAGE_SIZE }));
    return {
      rows: result.map((row) => entryJson(row, { showsAllAddresses })),
      nextBeforeId: nextBeforeIdOf(result),
    };
  });
  return { account: filter.accountId ?? null, what: 'audit', format, texts };
}
