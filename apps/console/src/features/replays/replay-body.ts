import { REPLAYABLE_STATUSES } from '@posthorn/contract';
import { boundsOf, type Range } from '../../components/range.js';

/** What to replay. An absent field does not filter. */
export interface ReplaySearch extends Range {
  which?: 'failed' | 'missed' | undefined;
  accounts?: string | undefined;
  subscription?: string | undefined;
  event?: string | undefined;
  eventType?: string | undefined;
  status?: string | undefined;
  outcome?: string | undefined;
  statusCode?: string | undefined;
  trigger?: string | undefined;
  replay?: string | undefined;
  q?: string | undefined;
}

/** Returns the body of the request that starts or previews a replay. */
export function bodyOf(wanted: ReplaySearch): Record<string, unknown> {
  const { which, accounts, subscription, event, eventType, status, outcome, statusCode, trigger, replay, q } = wanted;
  const { from, to } = boundsOf(wanted);
  const isFailed = which === 'failed';
  const body = {
    which,
    accounts: listOf(accounts),
    subscriptions: listOf(subscription),
    eventTypes: listOf(eventType),
    event,
    statuses: isFailed ? replayable(listOf(status)) : [],
    outcomes: isFailed ? listOf(outcome) : [],
    statusCodes: isFailed ? listOf(statusCode) : [],
    triggers: isFailed ? listOf(trigger) : [],
    replay: isFailed ? replay : undefined,
    q,
    since: from,
    until: to,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value && value.length > 0));
}

const listOf = (text = ''): string[] => text.split(/[\s,]+/).filter((part) => part !== '');

/** A filter of the list of deliveries may also have statuses that need no replay. */
const replayable = (statuses: string[]): string[] =>
  statuses.filter((one) => (REPLAYABLE_STATUSES as readonly string[]).includes(one));
