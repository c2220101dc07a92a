import { type Attempt, fill, OUTCOME_WORDS, TRIGGER_WORDS } from '@posthorn/contract';
import { CircleCheck, CircleX } from 'lucide-react';
import { prettyJson } from '../data/json.js';
import { Code } from '../ui/outside-text.js';
import { Facts } from '../ui/page.js';
import { duration, Time } from '../ui/time.js';

/** How an attempt ended, why that may be, and what to do about it. */
export function AttemptResult({ attempt }: { attempt: Attempt }) {
  const { outcome, statusCode, durationMs, error } = attempt;
  const words = OUTCOME_WORDS[outcome];
  const values = {
    status: statusCode,
    host: URL.canParse(attempt.url) ? new URL(attempt.url).host : attempt.url,
    location: attempt.responseHeaders?.['location'],
    limit: Math.round(durationMs / 1_000),
  };
  const isOk = outcome === 'ok';
  const Icon = isOk ? CircleCheck : CircleX;
  return (
    <div className={`banner tone-${isOk ? 'success' : 'danger'}`} role="status">
      <Icon className="icon" aria-hidden />
      <div className="text stack tight">
        <strong>{fill(words.title, values)}</strong>
        {!isOk && (
          <>
            {error !== null && <span>{error}</span>}
            <span>{words.cause}</span>
            <span>{words.advice}</span>
          </>
        )}
        <span className="small muted">{duration(durationMs)}</span>
      </div>
    </div>
  );
}

/** All that is known of an attempt. */
export function AttemptDetail({ attempt }: { attempt: Attempt }) {
  return (
    <div className="stack">
      <AttemptResult attempt={attempt} />
      <Timings attempt={attempt} />
      <Facts
        facts={[
          ['Trigger', TRIGGER_WORDS[attempt.trigger]],
          ['Started', <Time key="at" at={attempt.startedAt} />],
          [
            'Sent to',
            <span key="url" className="mono">
              {attempt.url}
            </span>,
          ],
          ['Address', attempt.remoteAddress ?? '—'],
        ]}
      />
      <details>
        <summary>Request headers</summary>
        <Code what="request headers" text={headers(attempt.requestHeaders)} />
      </details>
      <details open>
        <summary>
          Answer{attempt.statusCode !== null && `: ${attempt.statusCode}`}
          {attempt.responseTruncated && ' (the first 4 KiB)'}
        </summary>
        <div className="stack close detail">
          {attempt.responseHeaders && <Code what="answer headers" text={headers(attempt.responseHeaders)} />}
          {attempt.responseBody === null || attempt.responseBody === '' ? (
            <p className="muted">No body.</p>
          ) : (
            <Code what="answer body" text={prettyJson(attempt.responseBody)} />
          )}
        </div>
      </details>
    </div>
  );
}

const headers = (of: Record<string, string>): string =>
  Object.entries(of)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

const PHASES = [
  ['DNS', 'dnsMs'],
  ['connect', 'connectMs'],
  ['TLS', 'tlsMs'],
  ['first byte', 'firstByteMs'],
] as const;

/** Where the time of an attempt went. */
function Timings({ attempt: { timings, durationMs } }: { attempt: Attempt }) {
  const phases = PHASES.flatMap(([name, key]) => (timings[key] === null ? [] : [{ name, ms: timings[key] }]));
  const told = phases.reduce((sum, { ms }) => sum + ms, 0);
  const all = [...phases, { name: 'rest', ms: Math.max(0, durationMs - told) }];
  const total = Math.max(1, durationMs, told);
  let x = 0;
  return (
    <figure className="stack tight">
      <svg className="timing-svg" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden>
        {all.map(({ name, ms }, index) => {
          const from = x;
          x += (ms / total) * 1_000;
          return (
            <rect key={name} className={`phase-${index}`} x={from} y={0} width={Math.max(0, x - from - 2)} height={8} />
          );
        })}
      </svg>
      <figcaption className="row small muted number">
        <span>{duration(durationMs)} in all</span>
        {phases.map(({ name, ms }) => (
          <span key={name}>
            · {name} {duration(ms)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
