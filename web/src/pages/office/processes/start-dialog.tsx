import { useState } from 'preact/hooks';

import { newIdempotencyKey, type Model } from '../../../api';
import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { useI18n } from '../../../i18n/i18n';
import { Ask } from '../../../ui/ask';
import { Button } from '../../../ui/button';
import { Field } from '../../../ui/field';
import { ProblemNotice } from '../../../ui/problem-notice';
import { readObject } from './json';

export function StartDialog({ session, model, onClose }: { session: Session; model: Model; onClose: () => void }) {
  const { t } = useI18n();
  const [text, setText] = useState('{}');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  // A repeat after a lost answer starts nothing twice.
  const [key] = useState(newIdempotencyKey);
  const variables = readObject(text);
  const start = async (event: Event) => {
    event.preventDefault();
    if (!variables || busy) return;
    setBusy(true);
    setError(null);
    try {
      const started = await session.api.processes.startInstance({ processId: model.processId, version: model.version, variables }, { idempotencyKey: `${key}-${text.length}` });
      go(`/office/processes/instances/${started.key}`);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Ask title={t('processes.start-name', { process: model.name || model.processId, version: model.version })} open onClose={onClose}>
      <form className="form" onSubmit={(event) => void start(event)}>
        {error !== null && <ProblemNotice error={error} />}
        <Field label={t('processes.variables')} name="variables" value={text} onChange={setText} rows={6} longest={100_000} verbatim hint={t('processes.variables-hint')} error={variables ? null : t('processes.no-object')} />
        <div className="dialog-buttons">
          <Button className="button" onPress={onClose}>{t('card.close')}</Button>
          <Button type="submit" className="button button-primary" data-testid="start" isDisabled={!variables} data-busy={busy || undefined}>{t('processes.start')}</Button>
        </div>
      </form>
    </Ask>
  );
}
