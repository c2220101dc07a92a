import { useState } from 'react';
import { Button } from './button.js';
import { Copy } from './copy.js';
import './outside-text.css';

// Control characters and characters that change the direction of text can hide or disguise content.
const ODD = /(?![\t\n\r])[\p{Cc}\p{Cf}]/gu;

/** Text from outside (a payload, a response, a description). Shows invisible characters as escapes. */
export function OutsideText({ text, className }: { text: string; className?: string }) {
  if (text.search(ODD) === -1) return <bdi className={className}>{text}</bdi>;
  const parts: (string | { code: string })[] = [];
  let from = 0;
  for (const match of text.matchAll(ODD)) {
    parts.push(text.slice(from, match.index), { code: match[0].codePointAt(0)?.toString(16).padStart(4, '0') ?? '' });
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return (
    <bdi className={className}>
      {parts.map((part, index) =>
        typeof part === 'string' ? (
          part
        ) : (
          <span key={index} className="odd-character" title={`U+${part.code.toUpperCase()}`}>
            {`\\u${part.code}`}
          </span>
        ),
      )}
    </bdi>
  );
}

/** Longer text is rendered on request only: a payload of 256 KiB would block the page. */
const SHOWN_CHARACTERS = 16 * 1024;

/** A block of text from outside, which scrolls and can be copied. */
export function Code({
  text,
  what,
  isWrapped = true,
  hasCopy = true,
}: {
  text: string;
  what: string;
  isWrapped?: boolean;
  hasCopy?: boolean;
}) {
  const [isWhole, setIsWhole] = useState(text.length <= SHOWN_CHARACTERS);
  const shown = isWhole ? text : text.slice(0, SHOWN_CHARACTERS);
  return (
    <div className="stack tight">
      <div className="code-box">
        <pre className={isWrapped ? 'code' : 'code unwrapped'} tabIndex={0} aria-label={what}>
          <OutsideText text={shown} />
        </pre>
        {hasCopy && <Copy text={text} what={what} />}
      </div>
      {shown.length < text.length && (
        <div className="row small muted">
          Showing the first 16 of {Math.ceil(text.length / 1024)} KiB.
          <Button size="tiny" onClick={() => setIsWhole(true)}>
            Show all
          </Button>
        </div>
      )}
    </div>
  );
}

/** A URL with its host in bold. A long path is shortened in the middle, and hover shows all of it. */
export function Url({ url }: { url: string }) {
  const match = /^([a-z]+:\/\/)([^/?#]+)(.*)$/i.exec(url);
  if (!match || url.search(ODD) !== -1) return <OutsideText text={url} />;
  const [, , host = '', rest = ''] = match;
  const path = rest.length > 48 ? `${rest.slice(0, 22)}…${rest.slice(-22)}` : rest;
  return (
    <bdi className="url mono" title={url}>
      <span className="host">{host}</span>
      {path === '/' ? '' : path}
    </bdi>
  );
}
