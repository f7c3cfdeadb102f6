import { useMemo, useState } from 'preact/hooks';

import { problemOf, type Instance } from '../../../api';
import type { Session } from '../../../app';
import { useI18n } from '../../../i18n/i18n';
import { Ask } from '../../../ui/ask';
import { Button } from '../../../ui/button';
import { Choice } from '../../../ui/choice';
import { Field } from '../../../ui/field';
import { ProblemNotice } from '../../../ui/problem-notice';
import { readJson, readObject } from './json';
import { elementsOf, labelOf } from './model-elements';

interface DialogProps {
  session: Session;
  onDone(): void;
  onClose(): void;
}

// Work that a question ends with, and what went wrong with it.
function useWork(onDone: () => void) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<unknown>, then: () => void = onDone) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      then();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return { error, busy, run };
}

export function CancelDialog({ session, instance, onDone, onClose }: DialogProps & { instance: Instance }) {
  const { t } = useI18n();
  const { error, busy, run } = useWork(onDone);
  return (
    <Ask title={t('processes.cancel-title')} open onClose={onClose}>
      {error !== null && <ProblemNotice error={error} />}
      <p>{t('processes.cancel-text', { process: instance.processId, key: instance.key })}</p>
      <div className="dialog-buttons">
        <Button className="button" onPress={onClose}>{t('processes.keep')}</Button>
        <Button className="button button-danger" data-testid="cancel-sure" data-busy={busy || undefined} onPress={() => void run(() => session.api.processes.cancelInstance({ key: instance.key }))}>{t('processes.cancel')}</Button>
      </div>
    </Ask>
  );
}

export interface VariableWish {
  // Of the element instance whose own it is; undefined: of the instance.
  scopeKey: string | undefined;
  scope: string;
  // Empty: a new one.
  name: string;
  value: string;
}

export function VariableDialog({ session, instanceKey, wish, onDone, onClose }: DialogProps & { instanceKey: string; wish: VariableWish }) {
  const { t } = useI18n();
  const { error, busy, run } = useWork(onDone);
  const [name, setName] = useState(wish.name);
  const [text, setText] = useState(wish.value);
  const read = readJson(text);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!read || name.trim() === '' || busy) return;
    const scope = wish.scopeKey ? { scopeKey: wish.scopeKey, local: true } : { local: true };
    void run(() => session.api.processes.setVariables({ key: instanceKey, variables: { [name.trim()]: read.value }, ...scope }));
  };
  return (
    <Ask title={wish.name || t('processes.add-variable')} open onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {error !== null && <ProblemNotice error={error} />}
        <p>{t('processes.scope', { scope: wish.scope })}</p>
        {wish.name === '' && <Field label={t('office.name')} name="variable" value={name} onChange={setName} verbatim isRequired />}
        <Field label={t('processes.value')} name="value" value={text} onChange={setText} rows={6} longest={100_000} verbatim hint={t('processes.value-hint')} error={text === '' || read ? null : t('processes.no-json')} />
        <div className="dialog-buttons">
          <Button className="button" onPress={onClose}>{t('card.close')}</Button>
          <Button type="submit" className="button button-primary" data-testid="set-variable" isDisabled={!read || name.trim() === ''} data-busy={busy || undefined}>{t('processes.set')}</Button>
        </div>
      </form>
    </Ask>
  );
}

// Tokens go another way: some end, something begins. What the engine would refuse is told before it is done.
export function ModifyDialog({ session, instance, xml, name, onDone, onClose }: DialogProps & { instance: Instance; xml: string; name: (id: string) => string }) {
  const { t } = useI18n();
  const { error, busy, run } = useWork(onDone);
  const [ending, setEnding] = useState<readonly string[]>(instance.active.length === 1 ? instance.active.map((token) => token.elementInstanceKey) : []);
  const [begin, setBegin] = useState('');
  const [text, setText] = useState('');
  const [possible, setPossible] = useState(false);
  const elements = useMemo(() => elementsOf(xml).filter(({ type }) => type !== 'startEvent' && type !== 'boundaryEvent'), [xml]);
  const variables = text.trim() === '' ? {} : readObject(text);
  const change = <Value,>(set: (value: Value) => void) => (value: Value) => {
    setPossible(false);
    set(value);
  };
  const request = (dryRun: boolean) => ({
    key: instance.key, dryRun, end: [...ending],
    begin: begin ? [{ elementId: begin, ...(variables && Object.keys(variables).length > 0 ? { variables } : {}) }] : [],
  });
  const isNothing = ending.length === 0 && begin === '';
  const endsAll = begin === '' && ending.length === instance.active.length;
  return (
    <Ask title={t('processes.modify-title')} open onClose={onClose} size="large">
      <div className="form">
        {error !== null && <Refusal error={error} />}
        <fieldset className="checks">
          <legend className="field-label">{t('processes.end-tokens')}</legend>
          {instance.active.map((token) => (
            <label key={token.elementInstanceKey} className="check">
              <input type="checkbox" checked={ending.includes(token.elementInstanceKey)} onChange={(event) => {
                const isEnding = event.currentTarget.checked;
                change(setEnding)(isEnding ? [...ending, token.elementInstanceKey] : ending.filter((key) => key !== token.elementInstanceKey));
              }} />
              {name(token.elementId)}
            </label>
          ))}
        </fieldset>
        <Choice label={t('processes.begin-at')} name="begin" value={begin} none={t('processes.nothing')} options={elements.map((element) => ({ id: element.id, name: labelOf(element) }))} onChange={change(setBegin)} />
        {begin !== '' && <Field label={t('processes.own-variables')} name="begin-variables" value={text} onChange={change(setText)} rows={3} longest={100_000} verbatim hint={t('processes.variables-hint')} error={variables ? null : t('processes.no-object')} />}
        {endsAll && <p className="notice">{t('processes.ends-all')}</p>}
        {possible && <p className="notice" role="status" data-testid="possible">{t('processes.possible')}</p>}
        <div className="dialog-buttons">
          <Button className="button" onPress={onClose}>{t('card.close')}</Button>
          <Button className="button" data-testid="modify-check" isDisabled={isNothing || !variables} data-busy={busy || undefined} onPress={() => void run(() => session.api.processes.modifyInstance(request(true)), () => setPossible(true))}>{t('processes.check')}</Button>
          <Button className="button button-primary" data-testid="modify-make" isDisabled={isNothing || !variables} data-busy={busy || undefined} onPress={() => void run(() => session.api.processes.modifyInstance(request(false)))}>{t('processes.modify-make')}</Button>
        </div>
      </div>
    </Ask>
  );
}

// With the engine's own words, which name elements and keys.
export function Refusal({ error }: { error: unknown }) {
  const detail = problemOf(error)?.detail;
  return (
    <div>
      <ProblemNotice error={error} />
      {detail && <p className="process-reason" data-testid="reason">{detail}</p>}
    </div>
  );
}
