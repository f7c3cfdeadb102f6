import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ActiveElement, ElementCount, ElementRecord, Incident, Instance, UserTask } from '../../../api';
import type { Session } from '../../../app';
import { exactTime } from '../../../base/time';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { Icon } from '../../../ui/icon';
import { ProblemNotice } from '../../../ui/problem-notice';
import { InstanceState } from './chips';
import { Diagram, type Mark } from './diagram';
import { CancelDialog, ModifyDialog, VariableDialog, type VariableWish } from './instance-dialogs';
import { Link } from '../link';
import { MigrateDialog } from './migrate-dialog';
import { elementsOf, labelOf } from './model-elements';
import { useInstance, type InstanceStory } from './use-instance';
import { withNewest, withOlder } from './way';

type Question = { kind: 'cancel' } | { kind: 'modify' } | { kind: 'migrate' } | { kind: 'variable'; wish: VariableWish };

// One instance: where it is, what it waits for, what went wrong, what it knows, and the way it took. `listPath`: the list as the person left it.
export function InstancePage({ session, instanceKey, manages, listPath }: { session: Session; instanceKey: string; manages: boolean; listPath: string }) {
  const { t, language } = useI18n();
  const { story, error, load, fail } = useInstance(session, instanceKey);
  const [asked, setAsked] = useState<Question | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const marks = useMemo(() => marksOf(story?.instance, story?.counts ?? []), [story?.instance, story?.counts]);
  const names = useMemo(() => new Map(elementsOf(story?.xml ?? '<none/>').map((element) => [element.id, labelOf(element)])), [story?.xml]);
  const name = (id: string) => names.get(id) ?? id;
  const close = () => setAsked(null);
  const done = () => {
    close();
    void load();
  };
  const act = (work: Promise<unknown>) => void work.then(load, fail);
  if (!story) {
    return (
      <main className="office-main" aria-busy={error === null}>
        <Link to={listPath}>{t('processes.back-instances')}</Link>
        {error === null ? <span className="spinner" aria-hidden="true" /> : <ProblemNotice error={error} />}
      </main>
    );
  }
  const { instance, xml } = story;
  const runs = instance.state === 'active';
  const shown = <Item extends { elementId: string }>(items: readonly Item[]) => (chosen ? items.filter((item) => item.elementId === chosen) : items);
  return (
    <main className="office-main" aria-busy="false" data-testid="instance">
      <Link to={listPath}>{t('processes.back-instances')}</Link>
      <div className="office-head">
        <div className="process-title">
          <h2>{t('processes.instance-of', { process: instance.processId, version: instance.version })}</h2>
          <p className="row"><code data-testid="instance-key">{instance.key}</code><InstanceState instance={instance} /></p>
          <p className="process-times">
            {t('processes.since', { since: exactTime(instance.startedAt, language) })}
            {instance.endedAt && <> · {t('processes.until', { until: exactTime(instance.endedAt, language) })}</>}
            {story.modelKey && <> · <Link to={`/office/processes/models/${story.modelKey}`}>{t('processes.model')}</Link></>}
            {instance.parentKey && <> · <Link to={`/office/processes/instances/${instance.parentKey}`}>{t('processes.parent')}</Link></>}
          </p>
        </div>
        <div className="row">
          {manages && runs && (
            <>
              <Button className="button button-small" data-testid="modify" onPress={() => setAsked({ kind: 'modify' })}>{t('processes.modify')}</Button>
              <Button className="button button-small" data-testid="migrate" onPress={() => setAsked({ kind: 'migrate' })}>{t('processes.migrate')}</Button>
              <Button className="button button-small" data-testid="cancel" onPress={() => setAsked({ kind: 'cancel' })}>{t('processes.cancel-instance')}</Button>
            </>
          )}
          <Button className="button button-small" onPress={() => void load()}>{t('office.refresh')}</Button>
        </div>
      </div>
      {error !== null && <ProblemNotice error={error} />}
      {instance.incidents.length > 0 && (
        <Incidents incidents={shown(instance.incidents)} name={name} manages={manages} onResolve={(key) => act(session.api.processes.resolveIncident({ key }))} />
      )}
      {xml !== null && <Diagram xml={xml} label={t('processes.diagram', { process: instance.processId })} marks={marks} chosen={chosen} onChoose={(id) => setChosen(names.has(id) && id !== chosen ? id : null)} />}
      {chosen && (
        <p className="row process-chosen" data-testid="chosen"><span>{t('processes.chosen', { element: name(chosen) })}</span><Button className="button button-small" onPress={() => setChosen(null)}>{t('processes.show-all')}</Button></p>
      )}
      <div className="process-parts">
        {runs && <Tokens tokens={shown(instance.active)} name={name} manages={manages} onRetry={(key) => act(session.api.processes.retryJob({ key }))} />}
        <Variables instance={instance} tokens={shown(instance.active)} whole={chosen === null} name={name} onChange={manages && runs ? (wish) => setAsked({ kind: 'variable', wish }) : null} />
        <Passes story={story} ids={[...names.keys()]} chosen={chosen} name={name} onChoose={setChosen} />
        <Steps key={instanceKey} session={session} story={story} chosen={chosen} name={name} onFail={fail} />
      </div>
      {asked?.kind === 'cancel' && <CancelDialog session={session} instance={instance} onDone={done} onClose={close} />}
      {asked?.kind === 'modify' && xml !== null && <ModifyDialog session={session} instance={instance} xml={xml} name={name} onDone={done} onClose={close} />}
      {asked?.kind === 'migrate' && xml !== null && <MigrateDialog session={session} processId={instance.processId} version={instance.version} xml={xml} instances={[instance]} onDone={done} onClose={close} />}
      {asked?.kind === 'variable' && <VariableDialog session={session} instanceKey={instance.key} wish={asked.wish} onDone={done} onClose={close} />}
    </main>
  );
}

function marksOf(instance: Instance | undefined, counts: readonly ElementCount[]): Record<string, Mark> {
  const marks: Record<string, Mark> = {};
  const mark = (id: string) => (marks[id] ??= { tokens: 0, incident: false, passed: 0, cut: 0 });
  for (const { elementId, completed, terminated } of counts) Object.assign(mark(elementId), { passed: completed, cut: terminated });
  for (const element of instance?.active ?? []) mark(element.elementId).tokens += 1;
  for (const incident of instance?.incidents ?? []) mark(incident.elementId).incident = true;
  return marks;
}

function Incidents({ incidents, name, manages, onResolve }: { incidents: readonly Incident[]; name: (id: string) => string; manages: boolean; onResolve: (key: string) => void }) {
  const { t, language } = useI18n();
  return (
    <section className="process-incidents" aria-label={t('office.incidents')}>
      {incidents.map((incident) => (
        <div key={incident.key} className="notice notice-danger" data-testid="incident">
          <Icon name="alert" />
          <div className="process-incident">
            <p><strong>{name(incident.elementId)}</strong> · <code>{incident.errorType}</code> · <time dateTime={incident.createdAt}>{exactTime(incident.createdAt, language)}</time></p>
            <p className="trace" data-testid="incident-message">{incident.message}</p>
          </div>
          {manages && <Button className="button button-small" data-testid="resolve" onPress={() => onResolve(incident.key)}>{t('office.resolve')}</Button>}
        </div>
      ))}
    </section>
  );
}

function Tokens({ tokens, name, manages, onRetry }: { tokens: readonly ActiveElement[]; name: (id: string) => string; manages: boolean; onRetry: (job: string) => void }) {
  const { t, language } = useI18n();
  return (
    <section className="process-part" aria-label={t('processes.tokens')}>
      <h3>{t('processes.tokens')}</h3>
      {tokens.length === 0 && <p className="process-none">{t('office.none')}</p>}
      <ul className="process-list" data-testid="tokens">
        {tokens.map((token) => (
          <li key={token.elementInstanceKey} data-element={token.elementId} data-key={token.elementInstanceKey}>
            <p><strong>{name(token.elementId)}</strong>{token.startedAt && <> · <time dateTime={token.startedAt}>{exactTime(token.startedAt, language)}</time></>}</p>
            {token.job && (
              <p className="row">
                <span>{t('processes.job', { type: token.job.type })}</span>
                <span className="chip" data-tone={token.job.state === 'failed' ? 'bad' : 'work'}>{t(`processes.job-${token.job.state}`)}</span>
                <span>{t('processes.attempts', { count: token.job.retries })}</span>
                {token.job.priority !== 0 && <span data-testid="priority">{t('processes.priority', { priority: token.job.priority })}</span>}
                {token.job.dueAt && <span>{t(token.job.state === 'backing-off' ? 'processes.again-at' : 'processes.lock-until', { at: exactTime(token.job.dueAt, language) })}</span>}
                {manages && token.job.state !== 'with-worker' && token.job.state !== 'waiting' && <Button className="button button-small" data-testid="retry" onPress={() => token.job && onRetry(token.job.key)}>{t('processes.retry')}</Button>}
              </p>
            )}
            {token.job?.userTask && <UserTaskFacts task={token.job.userTask} />}
            {token.waits.map((wait) => (
              <p key={`${wait.kind} ${wait.elementId} ${wait.name ?? ''}`}>
                {wait.kind === 'timer' && wait.dueAt ? t('processes.wait-timer', { at: exactTime(wait.dueAt, language) }) : t(`processes.wait-${wait.kind}`, { name: wait.name ?? '', key: wait.correlationKey ?? '' })}
                {wait.elementId !== token.elementId && <> · {name(wait.elementId)}</>}
              </p>
            ))}
            {token.calledInstanceKey && <p><Link to={`/office/processes/instances/${token.calledInstanceKey}`}>{t('processes.called')}</Link></p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

// What the model says of who is to do it and by when.
function UserTaskFacts({ task }: { task: UserTask }) {
  const { t, language } = useI18n();
  const time = (iso: string | undefined) => iso && <time dateTime={iso}>{exactTime(iso, language)}</time>;
  const facts: [string, string, ComponentChildren][] = [
    ['assignee', t('processes.panel-assignee'), task.assignee], ['users', t('processes.panel-users'), task.candidateUsers.join(', ')], ['groups', t('processes.panel-groups'), task.candidateGroups.join(', ')],
    ['due', t('processes.panel-due'), time(task.dueAt)], ['follow-up', t('processes.panel-follow-up'), time(task.followUpAt)], ['form-key', t('processes.panel-form-key'), task.formKey],
    ['priority', t('processes.task-priority'), task.priority?.toString()],
  ];
  const told = facts.filter(([, , fact]) => fact);
  return told.length === 0 ? null : (
    <dl className="process-facts" data-testid="user-task">
      {told.map(([name, label, fact]) => <div key={name} data-fact={name}><dt>{label}</dt><dd>{fact}</dd></div>)}
    </dl>
  );
}

function Variables({ instance, tokens, whole, name, onChange }: { instance: Instance; tokens: readonly ActiveElement[]; whole: boolean; name: (id: string) => string; onChange: ((wish: VariableWish) => void) | null }) {
  const { t } = useI18n();
  const scopes = [
    ...(whole ? [{ key: instance.key, title: t('processes.scope-instance'), variables: instance.variables as Record<string, unknown>, scope: undefined as string | undefined }] : []),
    ...tokens.filter((token) => token.variables).map((token) => ({ key: token.elementInstanceKey, title: name(token.elementId), variables: token.variables as Record<string, unknown>, scope: token.elementInstanceKey as string | undefined })),
  ];
  return (
    <section className={onChange || instance.state === 'active' ? 'process-part' : 'process-part process-wide'} aria-label={t('processes.variables')}>
      <div className="office-head">
        <h3>{t('processes.variables')}</h3>
        {onChange && <Button className="button button-small" data-testid="add-variable" onPress={() => onChange({ scopeKey: undefined, scope: t('processes.scope-instance'), name: '', value: '' })}>{t('processes.add-variable')}</Button>}
      </div>
      {scopes.every((scope) => Object.keys(scope.variables).length === 0) && <p className="process-none">{t('office.none')}</p>}
      {scopes.filter((scope) => Object.keys(scope.variables).length > 0).map((scope) => (
        <div key={scope.key}>
          <h4>{scope.title}</h4>
          <dl className="process-variables" data-testid="variables">
            {Object.entries(scope.variables).map(([variable, value]) => (
              <div key={variable} data-variable={variable}>
                <dt>{variable}</dt>
                <dd>
                  <code>{JSON.stringify(value)}</code>
                  {onChange && <Button className="button button-small" aria-label={t('processes.change-name', { name: variable })} onPress={() => onChange({ scopeKey: scope.scope, scope: scope.title, name: variable, value: JSON.stringify(value, null, 1) })}>{t('processes.change')}</Button>}
                </dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
    </section>
  );
}

// The marks of the diagram in words, and the way to choose an element by keyboard.
function Passes({ story, ids, chosen, name, onChoose }: { story: InstanceStory; ids: readonly string[]; chosen: string | null; name: (id: string) => string; onChoose: (id: string | null) => void }) {
  const { t } = useI18n();
  const counts = new Map(story.counts.map((count) => [count.elementId, count]));
  // In the order of the model.
  const passed = ids.flatMap((id) => counts.get(id) ?? []);
  return (
    <section className="process-part process-wide" aria-label={t('processes.passes')}>
      <h3>{t('processes.passes')}</h3>
      {story.isCountCut && <p className="process-none" data-testid="count-cut">{t('processes.passes-newest')}</p>}
      <ul className="process-list process-passes" data-testid="passes">
        {passed.map(({ elementId, completed, terminated, active }) => (
          <li key={elementId} data-element={elementId} data-passed={completed}>
            <button type="button" className="link" aria-pressed={elementId === chosen} onClick={() => onChoose(elementId === chosen ? null : elementId)}>{name(elementId)}</button>
            <span>{[active > 0 && t('processes.active-count', { count: active }), completed > 0 && t('processes.passed', { count: completed }), terminated > 0 && t('processes.cut', { count: terminated })].filter(Boolean).join(' · ')}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

// Older steps are gone through for those of one element, so many pages at a time.
const pagesAtOnce = 10;

// The newest part is looked at again and again; what is older, when it is asked for.
function Steps({ session, story, chosen, name, onFail }: { session: Session; story: InstanceStory; chosen: string | null; name: (id: string) => string; onFail: (failure: unknown) => void }) {
  const { t, language } = useI18n();
  const { key } = story.instance;
  const [way, setWay] = useState(story.way);
  useEffect(() => {
    const active = new Set(story.instance.active.map((token) => token.elementInstanceKey));
    if (story.instance.state === 'active') active.add(story.instance.key);
    setWay((known) => withNewest(known, story.way, (step) => active.has(step)));
  }, [story]);
  const fits = (record: ElementRecord) => !chosen || record.elementId === chosen;
  const records = way.items.filter(fits);
  const more = async () => {
    try {
      for (let page = 0, cursor = way.cursor; cursor && page < pagesAtOnce; page += 1) {
        const from = cursor;
        const read = await session.api.processes.listElements({ key, cursor: from, limit: chosen ? 200 : 50 });
        setWay((known) => withOlder(known, from, read));
        if (read.items.some(fits)) return;
        cursor = read.nextCursor ?? null;
      }
    } catch (failure) {
      onFail(failure);
    }
  };
  const lookFor = useRef(more);
  lookFor.current = more;
  const isEmpty = records.length === 0;
  useEffect(() => {
    if (chosen && isEmpty) void lookFor.current();
  }, [chosen, isEmpty]);
  return (
    <section className="process-part process-wide" aria-label={t('processes.history')}>
      <h3>{t('processes.history')}</h3>
      <ol className="process-list process-way" data-testid="history">
        {records.map((record) => (
          <li key={record.elementInstanceKey} data-element={record.elementId} data-key={record.elementInstanceKey} data-state={record.state}>
            <span className="process-way-name">{name(record.elementId)}</span>
            <span className="chip" data-tone={record.state === 'active' ? 'work' : record.state === 'completed' ? 'good' : 'bad'}>{t(`processes.state-${record.state}`)}</span>
            <span className="process-times"><time dateTime={record.startedAt}>{exactTime(record.startedAt, language)}</time>{record.endedAt && <> – <time dateTime={record.endedAt}>{exactTime(record.endedAt, language)}</time></>}</span>
          </li>
        ))}
      </ol>
      {way.cursor && <Button className="button button-small" onPress={() => void more()}>{t('office.more')}</Button>}
    </section>
  );
}
