import { AUDIT_OBJECTS, AUDIT_WORDS, type AuditEntry } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { Id } from '../../components/copy.js';

/** What was done to which object, as a sentence. */
export function Sentence({ entry }: { entry: AuditEntry }) {
  const words = AUDIT_WORDS[entry.action];
  if (!words) return <span className="mono">{entry.action}</span>;
  const [before = '', after] = words.text.split('{object}');
  if (after === undefined) return before;
  return (
    <>
      {before}
      {entry.target.id === null ? AUDIT_OBJECTS[words.object]?.any : <Target entry={entry} />}
      {after}
    </>
  );
}

/** Operations that leave no object behind. */
const ENDED = /\.(delete|revoke|remove)$/;

/** The object, by its name if it has one, with a link to its page if it has one. */
function Target({ entry: { action, accountId, target } }: { entry: AuditEntry }) {
  const { type, id, name } = target;
  if (id === null) return null;
  const word = AUDIT_OBJECTS[type]?.word ?? type;
  const isId = name === null && /^[a-z]{3}_/.test(id);
  const text = isId ? null : <bdi>{name ?? id}</bdi>;
  const path = ENDED.test(action) ? null : pathOf(type, { id, accountId });
  return (
    <>
      {word || (isId ? AUDIT_OBJECTS[type]?.any.replace(/^an? /, '') : '')}{' '}
      {text === null ? <Id id={id} /> : path === null ? text : <Link to={path}>{text}</Link>}
    </>
  );
}

function pathOf(type: string, { id, accountId }: { id: string; accountId: string | null }): string | null {
  if (type === 'account') return `/accounts/${encodeURIComponent(id)}/integrations`;
  if (type === 'eventType') return `/event-types/${encodeURIComponent(id)}`;
  if (accountId === null) return null;
  const account = `/accounts/${encodeURIComponent(accountId)}`;
  if (type === 'subscription') return `${account}/subscriptions/${id}`;
  if (type === 'key') return `${account}/keys`;
  return null;
}
