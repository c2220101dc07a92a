import { Download } from 'lucide-react';
import { useMemo, useState } from 'react';
import { readSource } from '../api/json-source.js';
import { Button } from './button.js';
import { Copy } from './copy.js';
import { JsonTree } from './json-tree.js';
import { Code } from './outside-text.js';
import { frameHint, saveBlob } from './save-file.js';
import { useToast } from './toasts.js';
import './body.css';

/** The body of a request or a response. JSON can be folded, and shown as it was sent. Copy and download never change it. */
export function Body({
  text,
  what,
  file,
}: {
  text: string;
  what: string;
  /** The name of the download, without its ending. */
  file: string;
}) {
  const root = useMemo(() => readSource(text), [text]);
  const [isRaw, setIsRaw] = useState(false);
  const toast = useToast();
  const download = () => {
    saveBlob(new Blob([text]), `${file}.${root === null ? 'txt' : 'json'}`);
    const hint = frameHint();
    if (hint !== null) toast(`Is there no new file in your downloads? ${hint}`);
  };
  const isTree = root !== null && root.children.length > 0;
  const tools = (
    <>
      {isTree && (
        <Button size="tiny" aria-pressed={isRaw} onClick={() => setIsRaw(!isRaw)}>
          Raw
        </Button>
      )}
      <span className="row tight body-end">
        <Copy text={text} what={what} />
        <Button look="plain" size="tiny" label={`Download ${what}`} onClick={download}>
          <Download className="icon" aria-hidden />
        </Button>
      </span>
    </>
  );
  return (
    <div className="stack tight">
      {isTree && !isRaw ? (
        <JsonTree key={text} text={text} root={root} label={what} tools={tools} />
      ) : (
        <>
          <div className="row tight body-bar">{tools}</div>
          <Code text={text} what={what} hasCopy={false} />
        </>
      )}
    </div>
  );
}
