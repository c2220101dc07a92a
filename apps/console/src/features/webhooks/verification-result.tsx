import { fill, type Subscription, verificationWords } from '@posthorn/contract';
import { CircleCheck, CircleX, LoaderCircle } from 'lucide-react';
import { Button } from '../../components/button.js';
import { Code } from '../../components/outside-text.js';
import { duration, Time } from '../../components/time.js';
import { EndpointSnippet } from './endpoint-snippet.js';
import '../../components/banner.css';

/** The result of a verification: its cause and fix, and what was sent and received. */
export function VerificationResult({
  subscription: { verification, url, pendingUrl },
  onRetry,
}: {
  subscription: Pick<Subscription, 'verification' | 'url' | 'pendingUrl'>;
  onRetry?: (() => void) | undefined;
}) {
  const { status, checkedAt, statusCode, durationMs, responseBody } = verification;
  if (status === 'pending') {
    return (
      <div className="banner tone-progress" role="status">
        <LoaderCircle className="icon" aria-hidden />
        <span className="text">Verifying… We sent a challenge to the URL and are waiting for the response.</span>
      </div>
    );
  }
  if (status === 'verified') {
    return (
      <div className="banner tone-success" role="status">
        <CircleCheck className="icon" aria-hidden />
        <span className="text">
          Verified!
          {durationMs !== null && ` The endpoint responded in ${duration(durationMs)}.`}
        </span>
      </div>
    );
  }
  const { title, sentences } = verificationWords(verification);
  const values = {
    status: statusCode,
    host: hostOf(pendingUrl ?? url),
    limit: durationMs === null ? null : Math.round(durationMs / 1_000),
    location: 'another URL',
  };
  return (
    <div className="stack close">
      <div className="banner tone-danger" role="alert">
        <CircleX className="icon" aria-hidden />
        <div className="text stack tight">
          <strong>{fill(title, values)}</strong>
          {sentences.map((sentence) => (
            <span key={sentence} className="words">
              {sentence}
            </span>
          ))}
          <span className="small muted">
            Checked <Time at={checkedAt} />
            {statusCode !== null && ` · status ${statusCode}`}
            {durationMs !== null && ` · ${duration(durationMs)}`}
          </span>
        </div>
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
      </div>
      <details>
        <summary>Request and response</summary>
        <div className="stack close detail">
          <h3>Sent</h3>
          <Code what="the challenge" text={'{"event":"webhook:verify","payload":"<64 random letters>"}'} />
          <h3>Expected response (status 2xx)</h3>
          <Code what="the expected response" text="<the same 64 letters>" />
          <h3>Received</h3>
          {responseBody === null || responseBody === '' ? (
            <p className="muted">Nothing.</p>
          ) : (
            <Code what="the response" text={responseBody} />
          )}
        </div>
      </details>
      <details>
        <summary>Example endpoint</summary>
        <div className="detail">
          <EndpointSnippet />
        </div>
      </details>
    </div>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
