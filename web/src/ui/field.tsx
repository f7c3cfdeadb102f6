import type { RefObject } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
  type?: 'text' | 'password' | 'email' | 'tel' | 'date';
  name?: string;
  autoComplete?: string;
  isRequired?: boolean;
  // Shown instead of the hint.
  error?: string | null | undefined;
  hint?: string | undefined;
  longest?: number;
  // More than one line.
  rows?: number;
  // A name that is no word: not corrected, not capitalised.
  verbatim?: boolean;
  inputRef?: RefObject<HTMLInputElement | null>;
}

// A labelled text, with what is wrong with it.
export function Field({ label, value, onChange, type = 'text', name, autoComplete, isRequired = false, error, hint, longest = 200, rows, verbatim = false, inputRef }: FieldProps) {
  const id = useId();
  const told = error || hint;
  const common = {
    id, value, name, autoComplete, className: 'input', maxLength: longest,
    'aria-required': isRequired || undefined, 'aria-invalid': error ? true : undefined, 'aria-describedby': told ? `${id}-told` : undefined,
  };
  // The library's types ask for one kind of input at a time; they allow the same for each of these.
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {rows
        ? <textarea {...common} rows={rows} onInput={(event) => onChange(event.currentTarget.value)} />
        : <input {...common} ref={inputRef ?? null} type={type as 'text'} {...(verbatim ? { autoCapitalize: 'none', spellCheck: false } : {})} onInput={(event) => onChange(event.currentTarget.value)} />}
      {told && <span id={`${id}-told`} className={error ? 'field-error' : 'field-hint'}>{told}</span>}
    </div>
  );
}
