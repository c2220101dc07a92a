import type { Session } from '@posthorn/contract';
import {
  Activity,
  BookOpen,
  History,
  House,
  KeyRound,
  Layers,
  type LucideIcon,
  ScrollText,
  Send,
  Settings,
  Users,
  Webhook,
} from 'lucide-react';

/** A page of the navigation. */
export interface Page {
  name: string;
  icon: LucideIcon;
  to:
    | '/'
    | '/accounts'
    | '/queues'
    | '/replays'
    | '/audit'
    | '/settings'
    | '/event-types'
    | `/accounts/$account/${'integrations' | 'events' | 'deliveries' | 'replays' | 'keys'}`;
  params: { account: string };
  /** Not marked as current on the pages below it. */
  isExact?: boolean;
  isOperators?: boolean;
  /** Account keys and portals need it. */
  scope?: string;
}

const PAGES: Omit<Page, 'params'>[] = [
  { to: '/', icon: House, name: 'Overview', isExact: true, isOperators: true },
  { to: '/accounts', icon: Users, name: 'Accounts', isExact: true, isOperators: true },
  { to: '/queues', icon: Layers, name: 'Queues', isOperators: true },
  { to: '/replays', icon: History, name: 'Replays', isOperators: true },
  { to: '/audit', icon: ScrollText, name: 'Audit log', isOperators: true },
  { to: '/settings', icon: Settings, name: 'Settings', isOperators: true },
  { to: '/event-types', icon: BookOpen, name: 'Event catalogue' },
];

const PAGES_OF_ACCOUNT: Omit<Page, 'params'>[] = [
  { to: '/accounts/$account/integrations', icon: Webhook, name: 'Integrations', scope: 'subscriptions:read' },
  { to: '/accounts/$account/events', icon: Activity, name: 'Events', scope: 'events:read' },
  { to: '/accounts/$account/deliveries', icon: Send, name: 'Deliveries', scope: 'deliveries:read' },
  { to: '/accounts/$account/replays', icon: History, name: 'Replays', scope: 'deliveries:read' },
  { to: '/accounts/$account/keys', icon: KeyRound, name: 'API keys', isOperators: true },
];

/** The pages of an account that the session may open. null: the pages above all accounts. */
export const pagesOf = ({ kind, scopes }: Session, account: string | null): Page[] =>
  (account === null ? PAGES : PAGES_OF_ACCOUNT)
    .filter(({ isOperators, scope }) => kind === 'operator' || (!isOperators && (!scope || scopes.includes(scope))))
    .map((page) => ({ ...page, params: { account: account ?? '' } }));
