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
  value: string | undefined;
  onChange: (value: string) => void;
  children: (readonly [string, string])[];
}) {
  return (
    <select className="input" aria-label={label} value={value ?? ''} onChange={(event) => onChange(event.target.value)}>
      {!isRequired && <option value="">{label}: any</option>}
      {children.map(([id, text]) => (
        <option key={id} value={id}>
          {text}
        </option>
      ))}
    </select>
  );
}
