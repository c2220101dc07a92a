import './field.css';

/** A filter of a list. */
export function Select({
  label,
  value,
  onChange,
  children,
  isRequired = false,
}: {
  label: string;
  /** Hides the choice "any". */
  isRequired?: boolean;
  /** A link may also set a value that is not among the choices, or several, separated by commas. */
  value: string | undefined;
  onChange: (value: string) => void;
  children: (readonly [string, string])[];
}) {
  const words = new Map(children);
  return (
    <select className="input" aria-label={label} value={value ?? ''} onChange={(event) => onChange(event.target.value)}>
      {!isRequired && <option value="">{label}: any</option>}
      {value !== undefined && value !== '' && !words.has(value) && (
        <option value={value}>
          {value
            .split(',')
            .map((one) => words.get(one) ?? one)
            .join(', ')}
        </option>
      )}
      {children.map(([id, text]) => (
        <option key={id} value={id}>
          {text}
        </option>
      ))}
    </select>
  );
}
