import '../../design/desk.css';
import '../../design/office.css';

import { useEffect, type MouseEvent } from 'react';

import type { Session } from '../../app';
import { go } from '../../base/router';
import { useI18n, type Language } from '../../i18n/i18n';
import { Icon, type IconName } from '../../ui/icon';
import { SettingsMenu } from '../../ui/settings-menu';
import { useStore } from '../../base/use-store';
import type { Calls } from '../../state/calls';
import { CallsBar, useCalls } from './calls-bar';
import { Incidents } from './incidents';
import { People } from './people';
import { Tasks } from './tasks';

const parts: { id: 'tasks' | 'people' | 'incidents'; icon: IconName; permission: string }[] = [
  { id: 'tasks', icon: 'chats', permission: 'tasks.read' },
  { id: 'people', icon: 'user', permission: 'users.read' },
  { id: 'incidents', icon: 'alert', permission: 'processes.read' },
];

// What supervisors and administrators look at: the consultations, the people, what is stuck.
export default function OfficePage({ session, path }: { session: Session; path: string }) {
  const calls = useCalls(session);
  return calls && <Office session={session} path={path} calls={calls} />;
}

function Office({ session, path, calls }: { session: Session; path: string; calls: Calls }) {
  const { t } = useI18n();
  const called = useStore(calls.open, (open) => open.length);
  const changes = useStore(calls.changes, (count) => count);
  const allowed = parts.filter((part) => session.person.permissions.includes(part.permission));
  const current = allowed.find((part) => path === `/office/${part.id}`) ?? allowed[0];
  useEffect(() => {
    document.title = called > 0 ? t('office.page-called', { count: called }) : t('office.page');
  }, [t, called]);
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
      <nav className="office-parts" aria-label={t('office.title')}>
        {allowed.map((part) => (
          <a key={part.id} href={`/office/${part.id}`} data-part={part.id} aria-current={part === current ? 'page' : undefined} onClick={(event) => follow(event, `/office/${part.id}`)}>
            <Icon name={part.icon} size={18} />{t(`office.${part.id}`)}
          </a>
        ))}
      </nav>
      {session.person.permissions.includes('tasks.read') && <CallsBar session={session} calls={calls} />}
      {current?.id === 'tasks' && <Tasks session={session} changes={changes} />}
      {current?.id === 'people' && <People session={session} />}
      {current?.id === 'incidents' && <Incidents session={session} />}
    </div>
  );
}
