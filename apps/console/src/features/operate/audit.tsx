import { AUDIT_WORDS, auditActionText, type AuditEntry, fieldWords } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { FormatMenu } from '../exports/export-menu.js';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { filtersOf, withFilters } from '../../components/filters.js';
import { auditExportUrl, auditQuery } from '../../queries/operate.js';
import { boundsOf } from '../../components/range.js';
import { Id } from '../../components/copy.js';
import { List } from '../../components/list.js';
import { OutsideText } from '../../components/outside-text.js';
import { PageHead, useTitle } from '../../components/page.js';
import { pagingOf } from '../../components/paging.js';
import { Pill } from '../../components/pill.js';
import { RangeFilter } from '../../components/range-filter.js';
import { saveUrl } from '../../components/save-file.js';
import { Select } from '../../components/select.js';
import { Empty } from '../../components/states.js';
import { Table, tight } from '../../components/table.js';
import { TextFilter } from '../../components/text-filter.js';
import { Time } from '../../components/time.js';
import { Sentence } from './audit-sentence.js';

const route = getRouteApi('/audit');
type Search = ReturnType<typeof route.useSearch>;

const ACTORS = { operator: 'Operator', account: 'Account key', portal: 'Portal', nobody: 'Unknown' } as const;

const ACTIONS = Object.keys(AUDIT_WORDS).map((action) => [action, auditActionText(action)] as const);

/** The audit log. */
export function Audit() {
  useTitle('Audit log');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = (next: Search) => void navigate({ search: next });
  const { isSet, set, clear } = filtersOf(search, go);
  const { account, action, actor, actorId, cursor } = search;
  const filters = { account, action, actor, actorId, ...boundsOf(search) };
  const entries = useQuery(auditQuery({ ...filters, cursor }));
  return (
    <>
      <PageHead title="Audit log" note="Who changed what, and who read a secret." />
      <FilterBar
        label="Audit log"
        onClear={isSet ? clear : undefined}
        end={<FormatMenu onSelect={(format) => saveUrl(auditExportUrl({ ...filters, format }), `audit.${format}`)} />}
      >
        <TextFilter label="Account" value={account} onChange={(value) => set({ account: value })} />
        <Select label="Action" value={action} onChange={(value) => set({ action: value })}>
          {action === undefined || Object.hasOwn(AUDIT_WORDS, action) ? ACTIONS : [[action, action], ...ACTIONS]}
        </Select>
        <Select label="By" value={actor} onChange={(value) => set({ actor: value })}>
          {Object.entries(ACTORS)}
        </Select>
        <RangeFilter value={search} onChange={set} />
        {actorId !== undefined && (
          <FilterChip onRemove={() => set({ actorId: '' })}>
            {actorId.startsWith('key_') ? 'One key' : 'One session'}
            <Id id={actorId} />
          </FilterChip>
        )}
      </FilterBar>
      <List
        query={entries}
        what="entries"
        paging={pagingOf(search, go)}
        empty={<Empty title="No changes yet" />}
        onClear={isSet ? clear : undefined}
      >
        {(rows) => (
          <Table caption="Changes, newest first" columns={['Action', tight('By'), 'Account', 'Changes', tight('Time')]}>
            {rows.map((entry) => (
              <Row key={entry.id} entry={entry} search={search} />
            ))}
          </Table>
        )}
      </List>
    </>
  );
}

function Row({ entry, search }: { entry: AuditEntry; search: Search }) {
  const { action, actor, accountId, address, changes, createdAt, doneAt } = entry;
  return (
    <tr>
      <td title={action}>
        <Sentence entry={entry} />
        {doneAt === null && (
          <span title="The request started but did not finish, so the change may or may not have been made.">
            <Pill tone="warning">Result unknown</Pill>
          </span>
        )}
      </td>
      <td className="tight" data-label="By" title={address ?? undefined}>
        {actor.id === null ? (
          ACTORS[actor.kind]
        ) : (
          <Link
            className="rowlink"
            to="/audit"
            search={withFilters(search, { actorId: actor.id })}
            title={actor.id.startsWith('key_') ? 'Show only this key' : 'Show only this session'}
          >
            <bdi>{actor.name ?? ACTORS[actor.kind]}</bdi>
          </Link>
        )}
      </td>
      <td data-label="Account">
        {accountId === null ? (
          '—'
        ) : (
          <Link
            className="rowlink"
            to="/audit"
            search={withFilters(search, { account: accountId })}
            title="Show only this account"
          >
            {accountId}
          </Link>
        )}
      </td>
      <td className="small" data-label="Changes">
        {Object.keys(changes).length === 0
          ? '—'
          : Object.entries(changes).map(([field, change]) => (
              <div key={field}>
                {fieldWords(field)}
                <span className="muted">{changeOf(field, change)}</span>
              </div>
            ))}
      </td>
      <td className="tight" data-label="Time">
        <Time at={createdAt} />
      </td>
    </tr>
  );
}

/** The old and the new value. Renders nothing if the entry does not contain them. */
function changeOf(field: string, change: unknown) {
  if (typeof change !== 'object' || change === null || !('to' in change)) return null;
  const from = 'from' in change ? `${shown(field, change.from)} → ` : '';
  return <OutsideText text={`: ${from}${shown(field, change.to)}`} />;
}

function shown(field: string, value: unknown): string {
  if (value === null) return 'none';
  // An empty list means all event types.
  if (field === 'events' && Array.isArray(value) && value.length === 0) return 'all';
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
