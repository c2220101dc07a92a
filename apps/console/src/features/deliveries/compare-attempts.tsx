import type { Attempt } from '@posthorn/contract';
import { Button } from '../../components/button.js';
import { Dialog } from '../../components/dialog.js';
import { Diff } from '../../components/diff.js';
import { resultOf } from '../../components/pill.js';

/** What two attempts of a delivery sent and received, and how they differ. */
export function CompareAttempts({ attempts, onClose }: { attempts: [Attempt, Attempt]; onClose: () => void }) {
  const [left, right] = attempts.toSorted((a, b) => a.number - b.number) as typeof attempts;
  return (
    <Dialog
      title={`Attempts ${left.number} and ${right.number}`}
      isWide
      onClose={onClose}
      foot={<Button onClick={onClose}>Close</Button>}
    >
      <ul className="small">
        <li>
          − Attempt {left.number}: {resultOf(left)}
        </li>
        <li>
          + Attempt {right.number}: {resultOf(right)}
        </li>
      </ul>
      <section className="stack tight">
        <h3>Request headers</h3>
        <Diff what="request headers" left={request(left)} right={request(right)} />
      </section>
      <section className="stack tight">
        <h3>Request body</h3>
        <p className="muted">Both sent the same body: every attempt of a delivery sends the bytes of its event.</p>
      </section>
      <section className="stack tight">
        <h3>Response headers</h3>
        <Diff what="response headers" left={response(left)} right={response(right)} />
      </section>
      <section className="stack tight">
        <h3>Response body</h3>
        <Diff what="response body" left={left.responseBody ?? ''} right={right.responseBody ?? ''} />
      </section>
    </Dialog>
  );
}

const request = ({ url, requestHeaders }: Attempt): string => [`POST ${url}`, ...lines(requestHeaders)].join('\n');

const response = ({ statusCode, responseHeaders }: Attempt): string =>
  responseHeaders === null ? '' : [`${statusCode}`, ...lines(responseHeaders)].join('\n');

/** Sorted, because the order of headers has no meaning. */
const lines = (headers: Record<string, string>): string[] =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .toSorted();
