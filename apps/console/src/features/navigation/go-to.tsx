import type { Lookup } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { ApiProblem, call } from '../../api/call.js';
import { accountPath } from '../../api/account-path.js';
import { type Page, pagesOf } from './pages.js';
import { useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Field } from '../../components/field.js';
import './go-to.css';

/** Opens anything by its ID, and pages by their names: a button, and ⌘K or Ctrl+K. */
export function GoTo({ account }: { account: string | null }) {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setIsOpen(true);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <>
      <span className="go-to">
        <Button look="plain" aria-keyshortcuts="Control+K Meta+K" onClick={() => setIsOpen(true)}>
          <Search className="icon" aria-hidden />
          <span className="text">Go to…</span>
        </Button>
      </span>
      {isOpen && <GoToDialog account={account} onClose={() => setIsOpen(false)} />}
    </>
  );
}

const IS_ID = /^(sub|evt|dlv|att|key|ver|rpl)_[0-9a-z]{26}$/;
const IS_ACCOUNT = /^[A-Za-z0-9_-]{1,64}$/;

function GoToDialog({ account, onClose }: { account: string | null; onClose: () => void }) {
  const session = useSession();
  const navigate = useNavigate();
  const list = useRef<HTMLUListElement>(null);
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isPending, setIsPending] = useState(false);
  const typed = text.trim();
  const pages = [...(account === null ? [] : pagesOf(session, account)), ...pagesOf(session, null)].filter(({ name }) =>
    name.toLowerCase().includes(typed.toLowerCase()),
  );
  const open = ({ to, params }: Page) => {
    onClose();
    void navigate({ to, params });
  };
  async function find(): Promise<void> {
    setIsPending(true);
    setProblem(null);
    try {
      const path = IS_ID.test(typed)
        ? pathOf(await call<Lookup>('GET', `/v1/lookup/${typed}`))
        : await accountOf(typed);
      onClose();
      void navigate({ to: path });
    } catch (error) {
      const isNothing = error instanceof ApiProblem && error.status === 404;
      setProblem(isNothing ? 'Nothing found with this ID.' : (error as Error).message);
      setIsPending(false);
    }
  }
  const mayBeAccount = session.kind === 'operator' && IS_ACCOUNT.test(typed);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isPending || typed === '') return;
    const [first] = pages;
    if (first && !IS_ID.test(typed)) open(first);
    else if (IS_ID.test(typed) || mayBeAccount) void find();
    else setProblem('No page has this name. IDs start with sub_, evt_, dlv_, att_ or rpl_.');
  };
  return (
    <Dialog title="Go to" onClose={onClose}>
      <form className="stack" onSubmit={submit} onKeyDown={(event) => moveFocus(event, list.current)} noValidate>
        <Field
          label={session.kind === 'operator' ? 'ID, account or page' : 'ID or page'}
          value={text}
          autoFocus
          autoComplete="off"
          spellCheck={false}
          error={problem}
          onChange={({ target }) => {
            setText(target.value);
            setProblem(null);
          }}
        />
        <ul ref={list} className="go-to-list">
          {pages.map((page) => (
            <li key={page.to}>
              <Button look="plain" onClick={() => open(page)}>
                <page.icon className="icon" aria-hidden />
                {page.name}
              </Button>
            </li>
          ))}
          {mayBeAccount && !IS_ID.test(typed) && (
            <li>
              <Button look="plain" isPending={isPending} onClick={() => void find()}>
                Account <bdi className="mono">{typed}</bdi>
              </Button>
            </li>
          )}
        </ul>
        <div className="row">
          <Button type="submit" look="primary" isPending={isPending}>
            Go
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The arrow keys move through the input and the list below it. */
function moveFocus(event: KeyboardEvent, list: HTMLElement | null): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || !list) return;
  const field = event.currentTarget.querySelector('input');
  const stops = [...(field ? [field] : []), ...list.querySelectorAll('button')];
  const at = stops.findIndex((stop) => stop === document.activeElement);
  if (at === -1) return;
  event.preventDefault();
  stops[(at + by + stops.length) % stops.length]?.focus();
}

/** Throws a 404 for an account that does not exist. */
async function accountOf(id: string): Promise<string> {
  await call('GET', accountPath(id));
  return `/accounts/${id}/integrations`;
}

/** The page of a thing. An attempt is on the page of its delivery, or of its webhook if it belongs to a verification. */
function pathOf({ type, id, accountId, subscriptionId, deliveryId }: Lookup): string {
  const account = `/accounts/${encodeURIComponent(accountId)}`;
  const webhook =
    subscriptionId === undefined ? `${account}/integrations` : `${account}/subscriptions/${subscriptionId}`;
  switch (type) {
    case 'subscription':
      return `${account}/subscriptions/${id}`;
    case 'event':
      return `${account}/events/${id}`;
    case 'delivery':
      return `${account}/deliveries/${id}`;
    case 'attempt':
      return deliveryId === undefined ? webhook : `${account}/deliveries/${deliveryId}`;
    case 'replay':
      return `${account}/replays/${id}`;
    case 'key':
      return `${account}/keys`;
    case 'verification':
      return webhook;
    default:
      return type satisfies never;
  }
}
