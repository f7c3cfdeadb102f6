import '../../../design/processes.css';

import { useEffect, useRef, useState } from 'preact/hooks';

import type { Session } from '../../../app';
import { go } from '../../../base/router';
import { useI18n } from '../../../i18n/i18n';
import { later } from '../../../base/later';
import { DecisionPage } from './decision-page';
import { Decisions } from './decisions';
import { InstancePage } from './instance-page';
import { everything, filterOf, queryOf, type InstanceFilter } from './instance-filter';
import { Instances } from './instances';
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
  const [, setChanges] = useState(0);
  const [place = '', key = '', action] = path.slice(root.length + 1).split('/');
  const manages = session.person.permissions.includes('processes.manage');
  // The address says what is looked for, so that it can be loaded anew, sent on and gone back to; on other pages it is remembered.
  const remembered = useRef(everything);
  if (place === 'instances' && key === '' && queryOf(filterOf(location.search)) !== queryOf(remembered.current)) remembered.current = filterOf(location.search);
  const filter = remembered.current;
  const listOf = (wanted: InstanceFilter) => `${root}/instances${queryOf(wanted)}`;
  const setFilter = (wanted: InstanceFilter) => {
    history.replaceState(history.state, '', listOf(wanted));
    setChanges((count) => count + 1);
  };
  const showInstances = (wanted: InstanceFilter) => go(listOf(wanted));
  const isList = key === '';
  useEffect(() => {
    if (isList) scrollTo(0, 0);
  }, [isList, place]);
  const waiting = <main className="office-main" aria-busy="true"><span className="spinner" aria-hidden="true" /></main>;
  if (place === 'new' && manages) return <EditorPage waiting={waiting} properties={{ session, modelKey: null }} />;
  if (place === 'models' && key && action === 'edit' && manages) return <EditorPage key={key} waiting={waiting} properties={{ session, modelKey: key }} />;
  if (place === 'models' && key) return <ModelPage key={key} session={session} modelKey={key} manages={manages} onInstances={showInstances} />;
  if (place === 'instances' && key) return <InstancePage key={key} session={session} instanceKey={key} manages={manages} listPath={listOf(filter)} />;
  if (place === 'decisions' && key) return <DecisionPage key={key} session={session} decisionKey={key} />;
  const views = [{ id: 'models', path: root }, { id: 'decisions', path: `${root}/decisions` }, { id: 'instances', path: listOf(filter) }];
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
