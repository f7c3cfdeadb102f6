import { useId } from 'preact/hooks';

// One of several, by the device's own list; '' is the first, when it has a name.
export function Choice<Value extends string>({ label, value, none, options, onChange, name }: { label: string; value: Value | ''; none?: string; options: readonly { id: Value; name: string }[]; onChange: (value: Value | '') => void; name?: string }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" name={name} value={value} onInput={(event) => onChange(event.currentTarget.value as Value | '')}>
        {none !== undefined && <option value="">{none}</option>}
        {options.map((option) => <option key={option.id} value={option.id}>{option.name}</option>)}
      </select>
    </div>
  );
}
