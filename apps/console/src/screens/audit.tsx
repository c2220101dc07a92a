import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { auditQuery } from '../data/queries.js';
import { Id } from '../ui/copy.js';
import { PageHead, Pager, useTitle } from '../ui/page.js';
import { Empty, Loaded } from '../ui/states.js';
import { Time } from '../ui/time.js';
import { Table, tight } from '../ui/table.js';

const ACTORS = { operator: 'Operator', account: 'Account key', portal: 'Portal', nobody: 'Nobody known' } as const;

/** Who changed what. */
export function Audit() {
  useTitle('Audit log');
  const { cursor } = useSearch({ strict: false });
  const navigate = useNavigate();
  const entries = useQuery(auditQuery(cursor));
  return (
    <>
      <PageHead title="Audit log" note="Who changed what, and who looked at a secret." />
      <Loaded query={entries} what="the audit log">
        {({ data, nextCursor }) =>
          data.length === 0 && cursor === undefined ? (
            <Empty title="Nothing was changed yet" />
          ) : (
            <>
              <Table
                caption="Changes, newest first"
                columns={['Action', 'By', 'Account', 'To', 'Changed', tight('When')]}
              >
                {data.map((entry) => (
                  <tr key={entry.id}>
                    <td className="mono">{entry.action}</td>
                    <td data-label="By" title={entry.address ?? undefined}>
                      <bdi>{entry.actor.name ?? ACTORS[entry.actor.kind]}</bdi>
                    </td>
                    <td data-label="Account">{entry.accountId ?? '—'}</td>
                    <td data-label="To">
                      {entry.target.id === null ? entry.target.type : <Id id={entry.target.id} />}
                    </td>
                    <td className="small" data-label="Changed">
                      {Object.keys(entry.changes).join(', ') || '—'}
                    </td>
                    <td className="tight" data-label="When">
                      <Time at={entry.createdAt} />
                    </td>
                  </tr>
                ))}
              </Table>
              <Pager
                cursor={cursor}
                nextCursor={nextCursor}
                onGo={(next) => void navigate({ to: '/audit', search: next === undefined ? {} : { cursor: next } })}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}
