import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { Code } from './outside-text.js';
import './field.css';
import './snippet.css';

// The files of src/snippets, which a test runs (e2e/snippets.test.ts). Each is fetched when it is first shown.
const files = import.meta.glob<string>('../snippets/*', { query: '?raw', import: 'default' });

/** A language, and its file in src/snippets. */
export type SnippetFile = readonly [language: string, file: string];

const STORED_AS = 'posthorn.language';

function storedLanguage(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null; // a frame of another site may have no storage
  }
}

function storeLanguage(language: string): void {
  try {
    localStorage.setItem(STORED_AS, language);
  } catch {
    // The same.
  }
}

/** Code to copy, in a language that the browser remembers. `fill` inserts the values that are known here. */
export function Snippet({
  what,
  snippets,
  fill = (text) => text,
}: {
  what: string;
  snippets: readonly SnippetFile[];
  fill?: (text: string) => string;
}) {
  const id = useId();
  const [chosen, setChosen] = useState(storedLanguage);
  const [language, file] = snippets.find(([name]) => name === chosen) ?? snippets[0] ?? ['', ''];
  const text = useQuery({
    queryKey: ['snippet', file],
    queryFn: () => files[`../snippets/${file}`]?.() ?? Promise.reject(new Error(`no snippet ${file}`)),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div className="stack close">
      <div className="row">
        <label htmlFor={id} className="small muted">
          Language
        </label>
        <select
          id={id}
          className="input snippet-language"
          value={language}
          onChange={({ target }) => {
            setChosen(target.value);
            storeLanguage(target.value);
          }}
        >
          {snippets.map(([name]) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      {text.data !== undefined && (
        <Code key={file} what={`${what} in ${language}`} text={fill(text.data)} isWrapped={false} />
      )}
    </div>
  );
}
