import { type Attempt, attemptAdvice, fill, OUTCOME_TITLES, TRIGGER_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleX } from 'lucide-react';
import { Body } from '../../components/body.js';
import { eventQuery, requestBody } from '../../queries/events.js';
import { useMay } from '../session/session.js';
import { Code, OutsideText } from '../../components/outside-text.js';
import { Facts } from '../../components/page.js';
import { Loaded } from '../../components/states.js';
import { Tabs } from '../../components/tabs.js';
import { duration, Time } from '../../components/time.js';
import { Timings } from './timings.js';
import '../../components/banner.css';

/** The result of an attempt, its cause and its fix. */
export function AttemptResult({ attempt }: { attempt: Attempt }) {
  const { outcome, statusCode, durationMs, error } = attempt;
  const advice = attemptAdvice(attempt);
  const values = {
    status: statusCode,
    host: URL.canParse(attempt.url) ? new URL(attempt.url).host : attempt.url,
    location: attempt.responseHeaders?.['location'],
    limit: Math.round(durationMs / 1_000),
  };
  const isOk = outcome === 'ok';
  // For a response, `error` repeats its status.
  const detail = outcome === 'http_error' || outcome === 'redirect' ? null : error;
  const Icon = isOk ? CircleCheck : CircleX;
  return (
    <div className={`banner tone-${isOk ? 'success' : 'danger'}`} role="status">
      <Icon className="icon" aria-hidden />
      <div className="text stack tight">
        <strong>{fill(OUTCOME_TITLES[outcome], values)}</strong>
        {advice && (
          <>
            <span>{advice.cause}</span>
            <span>{advice.fix}</span>
            {detail !== null && <span className="small muted words">{detail}</span>}
          </>
        )}
        <span className="small muted">{duration(durationMs)}</span>
      </div>
    </div>
  );
}

/** The details of an attempt: result, timings, response and request. */
export function AttemptDetail({ account, eventId, attempt }: { account: string; eventId: string; attempt: Attempt }) {
  const { statusCode, responseHeaders, responseBody, responseTruncated } = attempt;
  return (
    <div className="stack">
      <AttemptResult attempt={attempt} />
      <Timings attempt={attempt} />
      <Tabs
        label="Response and request"
        tabs={[
          {
            name: `Response${statusCode === null ? '' : ` · ${statusCode}`}`,
            panel: (
              <div className="stack">
                {responseHeaders === null ? (
                  <p className="muted">No response received.</p>
                ) : (
                  <Headers what="response headers" of={responseHeaders} />
                )}
                {responseHeaders !== null && (
                  <section className="stack tight">
                    <h3>Body{responseTruncated && ' (first 4 KiB)'}</h3>
                    {responseBody === null || responseBody === '' ? (
                      <p className="muted">None.</p>
                    ) : (
                      <Body what="response body" text={responseBody} file={`response-${attempt.id}`} />
                    )}
                  </section>
                )}
              </div>
            ),
          },
          {
            name: 'Request',
            panel: (
              <div className="stack">
                <Facts
                  facts={[
                    ['Sent to', <OutsideText key="url" text={attempt.url} />],
                    ['Address', attempt.remoteAddress ?? '—'],
                    ['Started', <Time key="at" at={attempt.startedAt} isWhole />],
                    ['Trigger', TRIGGER_WORDS[attempt.trigger]],
                  ]}
                />
                <Headers what="request headers" of={attempt.requestHeaders} />
                <RequestBody account={account} eventId={eventId} />
              </div>
            ),
          },
        ]}
      />
    </div>
  );
}

function Headers({ what, of }: { what: string; of: Record<string, string> }) {
  const lines = Object.entries(of).map(([name, value]) => `${name}: ${value}`);
  return (
    <section className="stack tight">
      <h3>Headers</h3>
      {lines.length === 0 ? <p className="muted">None.</p> : <Code what={what} text={lines.join('\n')} />}
    </section>
  );
}

/** The request body: the event's type and payload, the same on every attempt. */
function RequestBody({ account, eventId }: { account: string; eventId: string }) {
  const mayRead = useMay()('events:read');
  const event = useQuery({ ...eventQuery(account, eventId), refetchInterval: false, enabled: mayRead });
  if (!mayRead) return null;
  return (
    <section className="stack tight">
      <h3>Body</h3>
      <Loaded query={event} what="the payload">
        {(data) =>
          data.payload === null ? (
            <p className="muted">No longer stored.</p>
          ) : (
            <Body what="request body" text={requestBody(data)} file={`request-${eventId}`} />
          )
        }
      </Loaded>
    </section>
  );
}
