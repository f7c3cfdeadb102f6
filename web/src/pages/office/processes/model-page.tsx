import { useCallback, useEffect, useState } from 'preact/hooks';

import { problemOf, type Instance, type Model } from '../../../api';
import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { dayAndTime } from '../../../base/time';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { ProblemNotice } from '../../../ui/problem-notice';
import { Diagram, type Mark } from './diagram';
import { everything, type InstanceFilter } from './instance-filter';
import { Link } from '../link';
import { MigrateDialog } from './migrate-dialog';
import { saveFile } from './files';
import { StartDialog } from './start-dialog';

// So many instances are gone over at once at most.
const mostInstances = 1000;

const noMarks: Record<string, Mark> = {};

export function ModelPage({ session, modelKey, manages, onInstances }: { session: Session; modelKey: string; manages: boolean; onInstances: (filter: InstanceFilter) => void }) {
  const { t, language } = useI18n();
  const { api, onOver } = session;
  const [model, setModel] = useState<Model | null>(null);
  const [versions, setVersions] = useState<readonly Model[]>([]);
  const [running, setRunning] = useState<readonly Instance[] | null>(null);
  const [isStarting, setStarting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async () => {
    try {
      const found = await api.processes.getModel({ key: modelKey });
      setModel(found);
      setVersions((await api.processes.listModels({ processId: found.processId, limit: 200 })).items);
    } catch (failure) {
      if (problemOf(failure)?.status === 401) onOver();
      else setError(failure);
    }
  }, [api, modelKey, onOver]);
  useEffect(() => {
    void load();
  }, [load]);
  const migrate = async ({ processId, version }: Model) => {
    const all: Instance[] = [];
    try {
      for (let cursor: string | null | undefined; ;) {
        const page = await api.processes.listInstances({ processId, version, state: 'active', limit: 200, ...(cursor ? { cursor } : {}) });
        all.push(...page.items);
        cursor = page.nextCursor;
        if (!cursor || all.length >= mostInstances) break;
      }
      setRunning(all);
    } catch (failure) {
      setError(failure);
    }
  };
  if (!model) {
    return (
      <main className="office-main" aria-busy={error === null}>
        <Link to="/office/processes">{t('processes.back-models')}</Link>
        {error === null ? <span className="spinner" aria-hidden="true" /> : <ProblemNotice error={error} />}
      </main>
    );
  }
  const filter = { ...everything, processId: model.processId, version: String(model.version) };
  return (
    <main className="office-main" aria-busy="false" data-testid="model">
      <Link to="/office/processes">{t('processes.back-models')}</Link>
      <div className="office-head">
        <div className="process-title">
          <h2>{model.name || model.processId}</h2>
          <p className="row"><code>{model.processId}</code><span data-testid="model-version">{t('processes.version-number', { version: model.version })}</span>{model.newest && <span className="chip" data-tone="good">{t('processes.newest')}</span>}</p>
          <p className="process-times">{t('processes.deployed-as', { file: model.resourceName, at: dayAndTime(model.deployedAt, language) })}</p>
        </div>
        <div className="row">
          {manages && <Button className="button button-small button-primary" data-testid="start-instance" onPress={() => setStarting(true)}>{t('processes.start')}</Button>}
          {manages && <Button className="button button-small" data-testid="edit" onPress={() => go(`/office/processes/models/${model.key}/edit`)}>{t('processes.edit')}</Button>}
          <Button className="button button-small" data-testid="model-instances" onPress={() => onInstances(filter)}>{t('processes.instances')}</Button>
          {manages && model.active > 0 && versions.length > 1 && <Button className="button button-small" data-testid="migrate-all" onPress={() => void migrate(model)}>{t('processes.migrate')}</Button>}
          <Button className="button button-small" onPress={() => saveFile(model.resourceName, model.xml ?? '')}>{t('processes.download')}</Button>
        </div>
      </div>
      {error !== null && <ProblemNotice error={error} />}
      <Diagram xml={model.xml ?? ''} label={t('processes.diagram', { process: model.processId })} marks={noMarks} />
      <section className="process-part process-wide" aria-label={t('processes.versions')}>
        <h3>{t('processes.versions')}</h3>
        <ul className="process-list">
          {versions.map((version) => (
            <li key={version.key} className="row">
              {version.key === model.key ? <strong>{t('processes.version-number', { version: version.version })}</strong> : <Link to={`/office/processes/models/${version.key}`}>{t('processes.version-number', { version: version.version })}</Link>}
              <span className="process-times"><time dateTime={version.deployedAt}>{dayAndTime(version.deployedAt, language)}</time></span>
              <span>{t('processes.active-count', { count: version.active })}</span>
              {version.stuck > 0 && <span className="chip" data-tone="bad">{t('processes.stuck-count', { count: version.stuck })}</span>}
            </li>
          ))}
        </ul>
      </section>
      {isStarting && <StartDialog session={session} model={model} onClose={() => setStarting(false)} />}
      {running && <MigrateDialog session={session} processId={model.processId} version={model.version} xml={model.xml ?? ''} instances={running} onDone={() => { setRunning(null); void load(); }} onClose={() => setRunning(null)} />}
    </main>
  );
}
