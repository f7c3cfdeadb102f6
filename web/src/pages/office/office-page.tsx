import '../../design/desk.css';
import '../../design/office.css';

import { useCallback, useEffect, useState, type MouseEvent, type ReactNode } from 'react';
import { Button } from 'react-aria-components';

import { problemOf, type Api, type Incident, type Task, type User } from '../../api';
import type { Session } from '../../app';
import { go } from '../../base/router';
import { dayAndTime } from '../../base/time';
import { useI18n, type Language } from '../../i18n/i18n';
import { Icon, type IconName } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';
import { SettingsMenu } from '../../ui/settings-menu';
import { StatusChip } from '../../ui/status-chip';

const parts: { id: 'tasks' | 'people' | 'incidents'; icon: IconName; permission: string }[] = [
  { id: 'tasks', icon: 'chats', permission: 'tasks.read' },
  { id: 'people', icon: 'user', permission: 'users.read' },
  { id: 'incidents', icon: 'alert', permission: 'processes.read' },
];

// What supervisors and administrators look at: the consultations, the people, what is stuck.
export default function OfficePage({ session, path }: { session: Session; path: string }) {
  const { t } = useI18n();
  const allowed = parts.filter((part) => session.person.permissions.includes(part.permission));
  const current = allowed.find((part) => path === `/office/${part.id}`) ?? allowed[0];
  useEffect(() => {
    document.title = t('office.page');
  }, [t]);
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
        <SettingsMenu name={session.person.displayName} onLanguage={onLanguage} onLogout={session.logout} />
      </header>
      <nav className="office-parts" aria-label={t('office.title')}>
        {allowed.map((part) => (
          <a key={part.id} href={`/office/${part.id}`} data-part={part.id} aria-current={part === current ? 'page' : undefined} onClick={(event) => follow(event, `/office/${part.id}`)}>
            <Icon name={part.icon} size={18} />{t(`office.${part.id}`)}
          </a>
        ))}
      </nav>
      {current?.id === 'tasks' && <Tasks session={session} />}
      {current?.id === 'people' && <People session={session} />}
      {current?.id === 'incidents' && <Incidents session={session} />}
    </div>
  );
}

interface Page<Item> {
  items: Item[];
  nextCursor?: string | null;
}

// Reads a list page by page.
function useList<Item>(api: Api, read: (api: Api, cursor: string | undefined) => Promise<Page<Item>>, onOver: () => void) {
  const [items, setItems] = useState<Item[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async (from?: string) => {
    setBusy(true);
    setError(null);
    try {
      const page = await read(api, from);
      setItems((known) => (from ? [...known, ...page.items] : page.items));
      setCursor(page.nextCursor ?? null);
    } catch (failure) {
      if (problemOf(failure)?.status === 401) onOver();
      else setError(failure);
    } finally {
      setBusy(false);
    }
  }, [api, read, onOver]);
  useEffect(() => {
    void load();
  }, [load]);
  const attempt = (work: Promise<unknown>) => void work.then(() => load(), (failure: unknown) => setError(failure));
  return { items, cursor, busy, error, load, attempt };
}

function Listing<Item>({ list, title, heads, children }: { list: ReturnType<typeof useList<Item>>; title: string; heads: string[]; children: ReactNode }) {
  const { t } = useI18n();
  return (
    <main className="office-main" aria-busy={list.busy}>
      <div className="office-head"><h2>{title}</h2><Button className="button button-small" onPress={() => void list.load()} data-busy={list.busy || undefined}>{t('office.refresh')}</Button></div>
      {list.error !== null && <ProblemNotice error={list.error} />}
      {list.items.length === 0 && !list.busy && <p className="cases-empty">{t('office.none')}</p>}
      {list.items.length > 0 && (
        <div className="table-frame" tabIndex={0} role="region" aria-label={title}>
          <table className="table">
            <thead><tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
      {list.cursor && <Button className="button button-small" onPress={() => void list.load(list.cursor ?? undefined)} data-busy={list.busy || undefined}>{t('office.more')}</Button>}
    </main>
  );
}

const readTasks = (api: Api, cursor: string | undefined) => api.tasks.listTasks(cursor ? { cursor } : {});
const readPeople = (api: Api, cursor: string | undefined) => api.users.listUsers(cursor ? { cursor } : {});
const readIncidents = (api: Api): Promise<Page<Incident>> => api.processes.listIncidents({});

function Tasks({ session }: { session: Session }) {
  const { t, language } = useI18n();
  const list = useList<Task>(session.api, readTasks, session.onOver);
  return (
    <Listing list={list} title={t('office.tasks')} heads={[t('office.number'), t('office.client'), t('office.status'), t('office.consultant'), t('office.since')]}>
      {list.items.map((task) => (
        <tr key={task.id}>
          <th scope="row" className="number">{task.number}</th>
          <td>{task.reporter.displayName}</td>
          <td><StatusChip status={task.substatus} /></td>
          <td>{task.assignee.displayName ?? '—'}</td>
          <td><time dateTime={task.createdAt}>{dayAndTime(task.createdAt, language)}</time></td>
        </tr>
      ))}
    </Listing>
  );
}

function People({ session }: { session: Session }) {
  const { t } = useI18n();
  const list = useList<User>(session.api, readPeople, session.onOver);
  const manages = session.person.permissions.includes('users.manage');
  return (
    <Listing list={list} title={t('office.people')} heads={[t('office.name'), t('office.kind'), t('office.login'), t('office.groups'), t('office.status'), ...(manages ? [t('office.actions')] : [])]}>
      {list.items.map((user) => {
        const name = `${user.firstName} ${user.lastName}`;
        return (
          <tr key={user.id}>
            <th scope="row">{name}</th>
            <td>{t(`type.${user.type}`)}</td>
            <td>{user.username}</td>
            <td>{user.groups.join(', ')}</td>
            <td><span className="chip" data-tone={user.status === 'active' ? 'good' : user.status === 'locked' ? 'bad' : undefined}>{t(`user.${user.status}`)}</span></td>
            {manages && (
              <td>
                {user.status === 'active' && user.id !== session.person.id && <Button className="button button-small" aria-label={t('office.lock-name', { name })} onPress={() => list.attempt(session.api.users.lockUser({ id: user.id }))}>{t('office.lock')}</Button>}
                {user.status === 'locked' && <Button className="button button-small" aria-label={t('office.unlock-name', { name })} onPress={() => list.attempt(session.api.users.unlockUser({ id: user.id }))}>{t('office.unlock')}</Button>}
              </td>
            )}
          </tr>
        );
      })}
    </Listing>
  );
}

function Incidents({ session }: { session: Session }) {
  const { t, language } = useI18n();
  const list = useList<Incident>(session.api, readIncidents, session.onOver);
  const manages = session.person.permissions.includes('processes.manage');
  return (
    <Listing list={list} title={t('office.incidents')} heads={[t('office.process'), t('office.element'), t('office.problem'), t('office.since'), ...(manages ? [t('office.actions')] : [])]}>
      {list.items.map((incident) => (
        <tr key={incident.key}>
          <th scope="row">{incident.processId}</th>
          <td>{incident.elementId}</td>
          <td>{incident.message}</td>
          <td><time dateTime={incident.createdAt}>{dayAndTime(incident.createdAt, language)}</time></td>
          {manages && <td><Button className="button button-small" onPress={() => list.attempt(session.api.processes.resolveIncident({ key: incident.key }))}>{t('office.resolve')}</Button></td>}
        </tr>
      ))}
    </Listing>
  );
}
