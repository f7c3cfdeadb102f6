import type { RefObject } from 'react';
import { Input, Label, Text, TextArea, TextField, type TextFieldProps } from 'react-aria-components';

interface FieldProps extends Pick<TextFieldProps, 'value' | 'onChange' | 'type' | 'name' | 'autoComplete' | 'isRequired'> {
  label: string;
  // Shown instead of the hint.
  error?: string | null | undefined;
  hint?: string | undefined;
  longest?: number;
  // More than one line.
  rows?: number;
  // A name that is no word: not corrected, not capitalised.
  verbatim?: boolean;
  inputRef?: RefObject<HTMLInputElement>;
}

// A labelled text, with what is wrong with it.
export function Field({ label, error, hint, longest = 200, rows, verbatim = false, inputRef, ...field }: FieldProps) {
  return (
    <TextField className="field" isInvalid={Boolean(error)} validationBehavior="aria" {...field}>
      <Label>{label}</Label>
      {rows
        ? <TextArea className="input" rows={rows} maxLength={longest} />
        : <Input className="input" ref={inputRef ?? null} maxLength={longest} {...(verbatim ? { autoCapitalize: 'none', spellCheck: false } : {})} />}
      {error ? <Text slot="description" className="field-error">{error}</Text> : hint && <Text slot="description" className="field-hint">{hint}</Text>}
    </TextField>
  );
}
