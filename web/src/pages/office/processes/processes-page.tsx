import '../../../design/processes.css';

import { useEffect, useState } from 'preact/hooks';

import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { useI18n } from '../../../i18n/i18n';
import { later } from '../../../base/later';
import { DecisionPage } from './decision-page';
import { Decisions } from './decisions';
import { InstancePage } from './instance-page';
import { everything, Instances, type InstanceFilter } from './instances';
import { ModelPage } from './model-page';
import { Models } from './models';
import { ProcessTexts } from './texts';

// Who edits no model loads no modeler.
const EditorPage = later(() => import('./editor-page'));

const root = '/office/processes';

// Models and what runs of them: for the people who look after the processes.
export default function ProcessesPage({ session, path }: { session: Session; path: string }) {
  return <ProcessTexts><Places session={session} path={path} /></ProcessTexts>;
}

function Places({ session, path }: { session: Session; path: string }) {
  const { t } = useI18n();
  const [filter, setFilter] = useState<InstanceFilter>(everything);
  const [place = '', key = '', action] = path.slice(root.length + 1).split('/');
  const manages = session.person.permissions.includes('processes.manage');
  const showInstances = (wanted: InstanceFilter) => {
    setFilter(wanted);
    go(`${root}/instances`);
  };
  const isList = key === '';
  useEffect(() => {
    if (isList) scrollTo(0, 0);
  }, [isList, place]);
  const waiting = <main className="office-main" aria-busy="true"><span className="spinner" aria-hidden="true" /></main>;
  if (place === 'new' && manages) return <EditorPage waiting={waiting} properties={{ session, modelKey: null }} />;
  if (place === 'models' && key && action === 'edit' && manages) return <EditorPage key={key} waiting={waiting} properties={{ session, modelKey: key }} />;
  if (place === 'models' && key) return <ModelPage key={key} session={session} modelKey={key} manages={manages} onInstances={showInstances} />;
  if (place === 'instances' && key) return <InstancePage key={key} session={session} instanceKey={key} manages={manages} />;
  if (place === 'decisions' && key) return <DecisionPage key={key} session={session} decisionKey={key} />;
  const views = [{ id: 'models', path: root }, { id: 'decisions', path: `${root}/decisions` }, { id: 'instances', path: `${root}/instances` }];
  const view = views.some((each) => each.id === place) ? place : 'models';
  const switcher = (
    <nav className="segments" aria-label={t('processes.views')}>
      {views.map((each) => (
        <a key={each.id} href={each.path} data-view={each.id} aria-current={each.id === view ? 'page' : undefined} onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          go(each.path);
        }}>{t(`processes.${each.id}`)}</a>
      ))}
    </nav>
  );
  if (view === 'instances') return <Instances session={session} filter={filter} onFilter={setFilter} switcher={switcher} />;
  if (view === 'decisions') return <Decisions session={session} manages={manages} switcher={switcher} />;
  return <Models session={session} manages={manages} onInstances={showInstances} switcher={switcher} />;
}
