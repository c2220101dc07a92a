import { type Circuit, type Outage, type Subscription, toTypeId, type Verification } from '@posthorn/contract';
import { readHeaderNames, responseText, storedSchedule, type Subscription as Row } from '@posthorn/core';
import type { ApiDeps } from '../deps.js';
import { authenticationJson } from './authentication-json.js';
import { storedObject } from './stored-json.js';

/** A subscription without its secrets, and with masked header values. */
export function subscriptionJson(deps: Pick<ApiDeps, 'cipher'>, row: Row): Subscription {
  return {
    id: toTypeId('sub', row.id),
    accountId: row.accountId,
    url: row.url,
    pendingUrl: row.pendingUrl,
    events: row.events,
    description: row.description,
    ...readHeaderNames(deps, row),
    ...authenticationJson(deps, row),
    certificateAuthorities: row.certificateAuthorities,
    metadata: storedObject(row.metadata),
    rateLimit: row.rateLimit,
    ordering: row.ordering,
    retrySchedule: storedSchedule(row.retrySchedule),
    timeoutMs: row.timeoutMs,
    filter: row.filter,
    status: row.status,
    statusReason: row.statusReason,
    statusChangedAt: row.statusChangedAt.toISOString(),
    holdsWhenDisabled: row.holdsWhenDisabled,
    failingSince: row.failingSince?.toISOString() ?? null,
    lastOutage: outageJson(row),
    circuit: circuitJson(row.circuitOpenUntil),
    verification: verificationJson(row),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

const outageJson = ({ lastOutageFrom, lastOutageUntil, catchUp }: Row): Outage | null =>
  lastOutageFrom === null || lastOutageUntil === null
    ? null
    : {
        from: lastOutageFrom.toISOString(),
        until: lastOutageUntil.toISOString(),
        isCatchingUp: catchUp !== null,
      };

function circuitJson(until: Date | null): Circuit {
  if (until === null) return { state: 'closed', until: null };
  return until > new Date() ? { state: 'open', until: until.toISOString() } : { state: 'half_open', until: null };
}

function verificationJson({ verification, status }: Row): Verification {
  // Retention deleted the verification, but the status shows its result.
  if (verification === null) {
    const result = status === 'unverified' ? 'failed' : 'verified';
    return {
      status: result,
      reason: null,
      error: null,
      checkedAt: null,
      statusCode: null,
      durationMs: null,
      responseBody: null,
    };
  }
  return {
    status: verification.status,
    reason: verification.reason,
    error: verification.error,
    checkedAt: verification.checkedAt?.toISOString() ?? null,
    statusCode: verification.statusCode,
    durationMs: verification.durationMs,
    responseBody: verification.responseBody && responseText(verification.responseBody, { headers: null, isCut: true }),
  };
}
