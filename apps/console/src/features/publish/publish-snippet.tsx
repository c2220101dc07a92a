import { Snippet } from '../../components/snippet.js';

const SNIPPETS = [
  ['curl', 'publish.sh'],
  ['Node.js', 'publish.mjs'],
  ['Python', 'publish.py'],
  ['Go', 'publish.go'],
  ['PHP', 'publish.php'],
] as const;

/** How the app publishes an event of this account. `apiKey`: a key that was created here; it is shown once. */
export function PublishSnippet({ account, apiKey }: { account: string; apiKey: string | null }) {
  const origin = new URL('.', document.baseURI).href.replace(/\/$/, '');
  const fill = (text: string) =>
    text
      .replaceAll('https://hooks.example.com', origin)
      .replaceAll('/acme/', `/${account}/`)
      .replaceAll("'acme'", `'${account}'`);
  return (
    <div className="stack close">
      <p className="small muted">
        First set the key in your shell: <code>{`export POSTHORN_API_KEY='${apiKey ?? '…'}'`}</code>
      </p>
      <Snippet what="the request" snippets={SNIPPETS} fill={fill} />
    </div>
  );
}
