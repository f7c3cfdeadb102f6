import type { ComponentChildren } from 'preact';
import { useCallback, useState } from 'preact/hooks';

import type { Api, Model } from '../../../api';
import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { dayAndTime } from '../../../base/time';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { Icon } from '../../../ui/icon';
import { Listing, useList } from '../listing';
import { SearchField } from '../search-field';
import { everything, type InstanceFilter } from './instance-filter';
import { Link } from '../link';
import { StartDialog } from './start-dialog';

// What is deployed, each version a line, the newest deployment first.
export function Models({ session, manages, onInstances, switcher }: { session: Session; manages: boolean; onInstances: (filter: InstanceFilter) => void; switcher: ComponentChildren }) {
  const { t, language } = useI18n();
  const [process, setProcess] = useState('');
  const [starting, setStarting] = useState<Model | null>(null);
  const read = useCallback((api: Api, cursor: string | undefined) => api.processes.listModels({ ...(process ? { processId: process } : {}), ...(cursor ? { cursor } : {}) }), [process]);
  const list = useList<Model>(session.api, read, session.onOver);
  const running = (model: Model) => {
    const filter = { ...everything, processId: model.processId, version: String(model.version), state: 'active' as const };
    return (
      <span className="row">
        {model.active > 0 ? <Button className="link" onPress={() => onInstances(filter)}>{model.active}<span className="visually-hidden"> {t('processes.show-active', { process: model.processId })}</span></Button> : '0'}
        {model.stuck > 0 && <Button className="link process-stuck" onPress={() => onInstances({ ...filter, incident: 'true' })}>{t('processes.stuck-count', { count: model.stuck })}</Button>}
      </span>
    );
  };
  return (
    <Listing list={list} title={t('processes.models')} keyOf={(model) => model.key} switcher={switcher}
      buttons={manages && <Button className="button button-small button-primary" data-testid="new-model" onPress={() => go('/office/processes/new')}><Icon name="add" size={18} />{t('processes.new-model')}</Button>}
      filters={<SearchField label={t('processes.process-id')} name="process" onSearch={setProcess} />}
      columns={[
        { head: t('office.process'), cell: (model) => <Link to={`/office/processes/models/${model.key}`}>{model.name || model.processId}</Link> },
        { head: t('processes.process-id'), cell: (model) => <code>{model.processId}</code> },
        { head: t('processes.version'), cell: (model) => <span className="row">{model.version}{model.newest && <span className="chip" data-tone="good">{t('processes.newest')}</span>}</span> },
        { head: t('processes.running'), cell: running },
        { head: t('processes.deployed'), cell: (model) => <time dateTime={model.deployedAt}>{dayAndTime(model.deployedAt, language)}</time> },
        ...(manages ? [{ head: t('office.actions'), cell: (model: Model) => <Button className="button button-small" aria-label={t('processes.start-name', { process: model.processId, version: model.version })} onPress={() => setStarting(model)}>{t('processes.start')}</Button> }] : []),
      ]}>
      {starting && <StartDialog session={session} model={starting} onClose={() => setStarting(null)} />}
    </Listing>
  );
}
