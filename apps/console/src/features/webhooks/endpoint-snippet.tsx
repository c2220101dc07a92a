import { Snippet } from '../../components/snippet.js';

const SNIPPETS = [
  ['Node.js', 'endpoint.mjs'],
  ['Python', 'endpoint.py'],
  ['Go', 'endpoint.go'],
  ['PHP', 'endpoint.php'],
  ['Ruby', 'endpoint.rb'],
  ['Java', 'Endpoint.java'],
] as const;

/** An endpoint that checks the signature and responds to the handshake: a complete program. */
export function EndpointSnippet() {
  return (
    <div className="stack close">
      <p className="small muted">
        A whole endpoint. It checks the signature and responds to the handshake. Set <code>WEBHOOK_SECRET</code> to the
        signing secret.
      </p>
      <Snippet what="the endpoint" snippets={SNIPPETS} />
    </div>
  );
}
