import { type Scope, SCOPE_HELP, SCOPE_WORDS, SCOPES } from '@posthorn/contract';
import { useId } from 'react';

/** What a key or a portal may do: at least one scope, each with an explanation. */
export function ScopeChoice({
  label,
  chosen,
  error,
  onChange,
}: {
  label: string;
  chosen: readonly Scope[];
  /** What the API refused. */
  error: string | undefined;
  onChange: (chosen: Scope[]) => void;
}) {
  const id = useId();
  const choose = (scope: Scope, isChosen: boolean) =>
    onChange(SCOPES.filter((one) => (one === scope ? isChosen : chosen.includes(one))));
  return (
    <fieldset className="field">
      <legend className="label">{label}</legend>
      <div>
        {SCOPES.map((scope) => (
          <label key={scope} className="choice">
            <input
              type="checkbox"
              aria-labelledby={`${id}-${scope}`}
              aria-describedby={`${id}-${scope}-help`}
              checked={chosen.includes(scope)}
              onChange={({ target }) => choose(scope, target.checked)}
            />
            <span>
              <span id={`${id}-${scope}`}>{SCOPE_WORDS[scope]}</span> <code className="muted">{scope}</code>
              <span id={`${id}-${scope}-help`} className="help">
                {SCOPE_HELP[scope]}
              </span>
            </span>
          </label>
        ))}
      </div>
      {(chosen.length === 0 || error !== undefined) && (
        <p className="error" role="alert">
          {chosen.length === 0 ? 'Choose at least one.' : error}
        </p>
      )}
    </fieldset>
  );
}
