import type { ComponentChildren } from 'preact';
import { useCallback, useMemo, useState } from 'preact/hooks';

import { instanceStates, type Api, type Instance } from '../../../api';
import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { dayAndTime } from '../../../base/time';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { Choice } from '../../../ui/choice';
import { Field } from '../../../ui/field';
import { Listing, useList, type Page } from '../listing';
import { SearchField } from '../search-field';
import { InstanceState } from './chips';
import { everything, versionOf, type InstanceFilter } from './instance-filter';
import { Link } from '../link';

// A look through a long history may bring empty pages: so many are read on before the person is asked.
const emptyPages = 10;

async function readInstances(api: Api, filter: InstanceFilter, cursor: string | undefined): Promise<Page<Instance>> {
  const version = Number(filter.version);
  for (let page = 0, from = cursor; ; page += 1) {
    const answer = await api.processes.listInstances({
      ...(filter.processId ? { processId: filter.processId } : {}), ...(version > 0 ? { version } : {}), ...(filter.state ? { state: filter.state } : {}),
      ...(filter.incident ? { hasIncident: filter.incident === 'true' } : {}), ...(filter.elementId ? { elementId: filter.elementId } : {}), ...(from ? { cursor: from } : {}),
    });
    if (answer.items.length > 0 || !answer.nextCursor || page === emptyPages) return answer;
    from = answer.nextCursor;
  }
}

export function Instances({ session, filter, onFilter, switcher }: { session: Session; filter: InstanceFilter; onFilter: (filter: InstanceFilter) => void; switcher: ComponentChildren }) {
  const { t, language } = useI18n();
  const read = useCallback((api: Api, cursor: string | undefined) => readInstances(api, filter, cursor), [filter]);
  const list = useList<Instance>(session.api, read, session.onOver);
  const set = (change: Partial<InstanceFilter>) => onFilter({ ...filter, ...change });
  const isFiltered = useMemo(() => Object.values(filter).some((value) => value !== ''), [filter]);
  return (
    <Listing list={list} title={t('processes.instances')} keyOf={(instance) => instance.key} switcher={switcher}
      buttons={isFiltered && <Button className="button button-small" data-testid="all-instances" onPress={() => onFilter(everything)}>{t('processes.no-filter')}</Button>}
      columns={[
        { head: t('processes.instance'), cell: (instance) => <Link to={`/office/processes/instances/${instance.key}`} className="link number">{instance.key}</Link> },
        { head: t('office.process'), cell: (instance) => <Button className="link process-word" aria-label={t('processes.only', { value: instance.processId })} onPress={() => set({ processId: instance.processId })}>{instance.processId}</Button> },
        { head: t('processes.version'), cell: (instance) => instance.version },
        { head: t('office.status'), cell: (instance) => <InstanceState instance={instance} /> },
        { head: t('processes.at'), cell: (instance) => [...new Set(instance.active.map((element) => element.elementId))].join(', ') || '—' },
        { head: t('office.since'), cell: (instance) => <time dateTime={instance.startedAt}>{dayAndTime(instance.startedAt, language)}</time> },
      ]}
      filters={(
        <>
          <Words key={`${filter.processId} ${filter.version} ${filter.elementId}`} filter={filter} onFilter={set} />
          <Choice label={t('office.status')} name="state" value={filter.state} none={t('office.all')} options={instanceStates.map((id) => ({ id, name: t(`processes.state-${id}`) }))} onChange={(state) => set({ state })} />
          <Choice<'true' | 'false'> label={t('processes.incident')} name="incident" value={filter.incident} none={t('office.all')} options={[{ id: 'true', name: t('processes.with-incident') }, { id: 'false', name: t('processes.without-incident') }]} onChange={(incident) => set({ incident })} />
          <SearchField label={t('processes.instance')} name="instance" onSearch={(key) => { if (/^\d+$/.test(key)) go(`/office/processes/instances/${key}`); }} />
        </>
      )} />
  );
}

// What is typed is looked for all at once, when the person says so.
function Words({ filter, onFilter }: { filter: InstanceFilter; onFilter: (change: Partial<InstanceFilter>) => void }) {
  const { t } = useI18n();
  const [processId, setProcessId] = useState(filter.processId);
  const [version, setVersion] = useState(filter.version);
  const [elementId, setElementId] = useState(filter.elementId);
  const submit = (event: Event) => {
    event.preventDefault();
    onFilter({ processId: processId.trim(), version: versionOf(version), elementId: elementId.trim() });
  };
  return (
    <form className="search process-words" onSubmit={submit}>
      <Field label={t('processes.process-id')} name="process" value={processId} onChange={setProcessId} verbatim />
      <Field label={t('processes.version')} name="version" value={version} onChange={setVersion} verbatim />
      <Field label={t('processes.at-element')} name="element" value={elementId} onChange={setElementId} verbatim />
      <Button type="submit" className="button button-small">{t('office.find')}</Button>
    </form>
  );
}
