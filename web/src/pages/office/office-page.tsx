import '../../design/desk.css';
import '../../design/office.css';

import { useEffect, useRef } from 'preact/hooks';

import type { Session } from '../../app';
import { later } from '../../base/later';
import { go } from '../../base/router';
import { createStore } from '../../base/store';
import { useI18n } from '../../i18n/i18n';
import type { Language } from '../../i18n/language';
import { Icon, type IconName } from '../../ui/icon';
import { SettingsMenu } from '../../ui/settings-menu';
import { useStore } from '../../base/use-store';
import type { Calls } from '../../state/calls';
import type { OpenIncidents } from '../../state/incidents';
import { CallsBar, useCalls } from './calls-bar';
import { Incidents } from './incidents';
import { IncidentsBar, useIncidents } from './incidents-bar';
import { People } from './people';
import { Tasks } from './tasks';

// Few look at processes, and their pages draw diagrams.
const ProcessesPage = later(() => import('./processes/processes-page'));

const parts: { id: 'tasks' | 'people' | 'incidents' | 'processes'; icon: IconName; permission: string }[] = [
  { id: 'tasks', icon: 'chats', permission: 'tasks.read' },
  { id: 'people', icon: 'user', permission: 'users.read' },
  { id: 'incidents', icon: 'alert', permission: 'processes.read' },
  { id: 'processes', icon: 'process', permission: 'processes.read' },
];

const noIncidents = createStore<OpenIncidents>({ newest: [], count: 0 });
const showIncidents = () => go('/office/incidents');

// What supervisors and administrators look at: the consultations, the people, what is stuck.
export default function OfficePage({ session, path }: { session: Session; path: string }) {
  const calls = useCalls(session);
  return calls && <Office session={session} path={path} calls={calls} />;
}

function Office({ session, path, calls }: { session: Session; path: string; calls: Calls }) {
  const { t } = useI18n();
  const called = useStore(calls.open, (open) => open.length);
  const changes = useStore(calls.changes, (count) => count);
  const watch = useIncidents(session, showIncidents);
  const incidents = useStore(watch?.open ?? noIncidents, (open) => open);
  const stuck = incidents.count;
  const allowed = parts.filter((part) => session.person.permissions.includes(part.permission));
  const current = allowed.find((part) => path === `/office/${part.id}` || path.startsWith(`/office/${part.id}/`)) ?? allowed[0];
  useEffect(() => {
    if (called > 0) document.title = t('office.page-called', { count: called });
    else document.title = stuck > 0 ? t('office.page-incidents', { count: stuck }) : t('office.page');
  }, [t, called, stuck]);
  const nav = useRef<HTMLElement>(null);
  const shown = current?.id;
  // On a phone not all parts stand beside each other.
  useEffect(() => {
    const look = () => nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    look();
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, [shown]);
  const follow = (event: MouseEvent, to: string) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  const onLanguage = (language: Language) => {
    void session.api.users.getMe({}).then((me) => session.api.users.changeProfile({ id: me.id, version: me.version, language })).catch(() => undefined);
  };
  return (
    <div className="office">
      <header className="top">
        <span className="brand top-who"><span className="brand-mark"><Icon name="logo" size={22} /></span><h1 className="office-title">{t('office.title')}</h1></span>
        <SettingsMenu alerts name={session.person.displayName} onLanguage={onLanguage} onLogout={session.logout} />
      </header>
      <nav ref={nav} className="office-parts" aria-label={t('office.title')}>
        {allowed.map((part) => (
          <a key={part.id} href={`/office/${part.id}`} data-part={part.id} aria-current={part === current ? 'page' : undefined} onClick={(event) => follow(event, `/office/${part.id}`)}>
            <Icon name={part.icon} size={18} />{t(`office.${part.id}`)}
            {part.id === 'incidents' && stuck > 0 && <span className="badge" data-testid="stuck-count"><span aria-hidden="true">{stuck}</span><span className="visually-hidden">{t('office.incidents-open', { count: stuck })}</span></span>}
          </a>
        ))}
      </nav>
      {session.person.permissions.includes('tasks.read') && <CallsBar session={session} calls={calls} />}
      {watch && <IncidentsBar count={current?.id === 'incidents' ? 0 : stuck} onShow={showIncidents} />}
      {current?.id === 'tasks' && <Tasks session={session} changes={changes} />}
      {current?.id === 'processes' && <ProcessesPage waiting={<main className="office-main" aria-busy="true"><span className="spinner" aria-hidden="true" /></main>} properties={{ session, path }} />}
      {current?.id === 'people' && <People session={session} />}
      {current?.id === 'incidents' && <Incidents session={session} known={incidents} onTried={() => void watch?.look()} />}
    </div>
  );
}
