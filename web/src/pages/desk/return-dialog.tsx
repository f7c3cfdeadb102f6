import { useState } from 'preact/hooks';

import type { Task } from '../../api';
import { useI18n } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { Ask } from '../../ui/ask';
import { Button } from '../../ui/button';
import { Field } from '../../ui/field';
import { ProblemNotice } from '../../ui/problem-notice';

const reasons = ['other-field', 'no-time', 'language', 'personal', 'else'] as const;
const longestReason = 500;

export function ReturnDialog({ hub, task, open, onClose }: { hub: Hub; task: Task; open: boolean; onClose: (returned: boolean) => void }) {
  const { t } = useI18n();
  return (
    <Ask title={t('return.title')} open={open} onClose={() => onClose(false)}>
      {open && <ReturnForm hub={hub} task={task} onClose={onClose} />}
    </Ask>
  );
}

function ReturnForm({ hub, task, onClose }: { hub: Hub; task: Task; onClose: (returned: boolean) => void }) {
  const { t } = useI18n();
  const [reason, setReason] = useState<(typeof reasons)[number]>('other-field');
  const [words, setWords] = useState('');
  const [missing, setMissing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    const detail = words.trim();
    const lacks = reason === 'else' && detail === '';
    setMissing(lacks);
    if (lacks || busy) return;
    setBusy(true);
    setError(null);
    try {
      const text = reason === 'else' ? detail : [t(`return.reason-${reason}`), detail].filter(Boolean).join('. ');
      await hub.transition(task.id, 'return', { reason: text.slice(0, longestReason) });
      onClose(true);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      <p>{t('return.lead', { client: task.reporter.displayName })}</p>
      {error !== null && <ProblemNotice error={error} />}
      <fieldset className="radios" role="radiogroup">
        <legend className="field-label">{t('return.reason')}</legend>
        {reasons.map((each) => (
          <label key={each} className="radio">
            <input type="radio" name="return-reason" className="visually-hidden" checked={reason === each} onInput={() => setReason(each)} />
            <span className="radio-dot" aria-hidden="true" />{t(`return.reason-${each}`)}
          </label>
        ))}
      </fieldset>
      <Field label={t('return.more')} value={words} onChange={(text) => { setWords(text); setMissing(false); }} rows={3} longest={longestReason - 60} error={missing ? t('return.words-missing') : null} />
      <div className="dialog-buttons">
        <Button className="button" onPress={() => onClose(false)}>{t('return.cancel')}</Button>
        <Button type="submit" className="button button-primary" data-busy={busy || undefined}>{t('return.submit')}</Button>
      </div>
    </form>
  );
}
