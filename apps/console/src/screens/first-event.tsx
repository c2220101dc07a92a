import { Code } from '../ui/outside-text.js';
import { Empty } from '../ui/states.js';

/** How to publish, to be copied. */
export function FirstEvent({ account }: { account: string }) {
  const url = new URL(`./v1/accounts/${account}/events`, document.baseURI).href;
  const text = `curl -X POST '${url}' \\
  -H "authorization: Bearer $POSTHORN_KEY" \\
  -H 'content-type: application/json' \\
  --data-raw '{"event":"message:created","payload":{"body":"Hello"}}'`;
  return (
    <div className="stack">
      <Empty title="No events yet">Your app publishes them over the API. To try it, with a key of yours:</Empty>
      <Code what="the command" text={text} isWrapped={false} />
    </div>
  );
}
