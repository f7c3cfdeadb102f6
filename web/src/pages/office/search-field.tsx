import { useState } from 'preact/hooks';

import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Field } from '../../ui/field';

// What is searched for is sent when the person says so; emptied, the whole list is back.
export function SearchField({ label, name, hint, onSearch }: { label: string; name: string; hint?: string; onSearch: (text: string) => void }) {
  const { t } = useI18n();
  const [text, setText] = useState('');
  const change = (next: string) => {
    setText(next);
    if (next === '') onSearch('');
  };
  return (
    <form className="search" onSubmit={(event: Event) => { event.preventDefault(); onSearch(text.trim()); }}>
      <Field label={label} name={name} value={text} onChange={change} verbatim hint={hint} />
      <Button type="submit" className="button button-small">{t('office.find')}</Button>
    </form>
  );
}
