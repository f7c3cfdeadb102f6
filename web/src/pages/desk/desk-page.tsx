import '../../design/desk.css';

import { useEffect, useMemo, useState } from 'react';
import { Button } from 'react-aria-components';

import type { Post, Task } from '../../api';
import type { Session } from '../../app';
import { useNow } from '../../base/clock';
import { go } from '../../base/router';
import { useStore } from '../../base/use-store';
import { Composer } from '../../conversation/composer';
import { MessageList } from '../../conversation/message-list';
import { useI18n, type Translate } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { newestTasks, unread } from '../../state/model';
import { Ask } from '../../ui/ask';
import { Avatar } from '../../ui/avatar';
import { ConnectionBar } from '../../ui/connection-bar';
import { Icon } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';
import { SettingsMenu } from '../../ui/settings-menu';
import { StatusChip } from '../../ui/status-chip';
import { useHub } from '../use-hub';
import { useLanguageChoice } from '../use-language-choice';
import { useLogout } from '../use-logout';
import { allowSound, canAsk, notify, sound } from './alerts';
import { CaseCard } from './case-card';
import { CaseList, casePath, CaseTime } from './case-list';
import { PresenceMenu, usePresence } from './presence-menu';
import { ReturnDialog } from './return-dialog';

// The consultant's desk: several consultations side by side.
export default function DeskPage({ session, path }: { session: Session; path: string }) {
  const { t } = useI18n();
  const [spoken] = useState<{ t: Translate }>(() => ({ t }));
  spoken.t = t;
  const [fresh, setFresh] = useState(false);
  const news = useMemo(() => ({
    onAssigned(task: Task) {
      sound();
      if (document.visibilityState === 'visible' && document.hasFocus()) return;
      setFresh(true);
      notify({ title: spoken.t('alert.title'), body: spoken.t('alert.body', { client: task.reporter.displayName }), tag: task.id, onPress: () => go(casePath(task)) });
    },
    onPost(post: Post) {
      if (post.authorKind !== 'user' || document.visibilityState === 'visible') return;
      notify({ title: 'Consilium', body: spoken.t('alert.post', { name: post.authorName }), tag: post.channelId, onPress: () => undefined });
    },
  }), [spoken]);
  const hub = useHub(session, news);
  useEffect(() => {
    const seen = () => document.visibilityState === 'visible' && setFresh(false);
    for (const name of ['pointerdown', 'keydown']) addEventListener(name, allowSound);
    addEventListener('focus', seen);
    document.addEventListener('visibilitychange', seen);
    return () => {
      for (const name of ['pointerdown', 'keydown']) removeEventListener(name, allowSound);
      removeEventListener('focus', seen);
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
  return hub && <Desk session={session} hub={hub} path={path} fresh={fresh} />;
}

function Desk({ session, hub, path, fresh }: { session: Session; hub: Hub; path: string; fresh: boolean }) {
  const { t } = useI18n();
  const all = useStore(hub.state, (state) => state.tasks);
  const unseen = useStore(hub.state, (state) => Object.keys(state.channels).reduce((sum, id) => sum + unread(state, id, hub.person.id), 0));
  const trouble = useStore(hub.trouble, (error) => error);
  const loaded = useStore(hub.state, (state) => state.fresh);
  const { status, choose } = usePresence(hub);
  const { logout, question } = useLogout(session, hub);
  const onLanguage = useLanguageChoice(hub);
  const mine = newestTasks(Object.values(all).filter((task) => task.assignee.userId === hub.person.id));
  const open = mine.filter((task) => task.status === 'open').sort((left, right) => (left.createdAt < right.createdAt ? -1 : 1));
  const closed = mine.filter((task) => task.status === 'closed');
  const number = path.startsWith('/desk/') ? decodeURIComponent(path.slice('/desk/'.length)) : undefined;
  const current = mine.find((task) => task.number === number);
  useEffect(() => {
    document.title = fresh ? t('desk.page-new') : unseen > 0 ? t('desk.page-unread', { count: unseen }) : t('desk.page');
  }, [t, fresh, unseen]);

  return (
    <div className="desk" data-open={number !== undefined}>
      <header className="top desk-top">
        <span className="brand"><span className="brand-mark"><Icon name="logo" size={22} /></span><span className="desk-brand-name">Consilium</span></span>
        {!current && <h1 className="visually-hidden">{t('desk.title')}</h1>}
        <PresenceMenu status={status} onChoose={choose} />
        <SettingsMenu name={hub.person.displayName} onLanguage={onLanguage} onLogout={logout} />
      </header>
      <ConnectionBar hub={hub} />
      <NotificationOffer />
      {trouble !== null && <div className="desk-trouble"><ProblemNotice error={trouble} /></div>}
      <main className="desk-body">
        <nav className="desk-list" aria-label={t('desk.title')}>
          <CaseList hub={hub} title={t('desk.open')} tasks={open} current={current?.id} empty={t(status === null || status === 'online' ? 'desk.none' : 'desk.none-paused')} />
          {closed.length > 0 && <CaseList hub={hub} title={t('desk.closed')} tasks={closed} current={current?.id} />}
        </nav>
        {current?.channelId
          ? <CasePane key={current.id} hub={hub} task={current} channelId={current.channelId} />
          : <div className="desk-none">{number !== undefined && loaded && <Button className="button desk-back-wide" onPress={() => go('/desk')}><Icon name="back" />{t('desk.back')}</Button>}<span className="desk-none-sign" aria-hidden="true"><Icon name="chats" size={40} /></span><p>{number !== undefined && loaded ? t('desk.not-found') : t('desk.pick')}</p></div>}
      </main>
      <UndoBar hub={hub} />
      {question}
    </div>
  );
}

function CasePane({ hub, task, channelId }: { hub: Hub; task: Task; channelId: string }) {
  const { t } = useI18n();
  const client = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === task.reporter.userId));
  const me = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === hub.person.id));
  const pending = useStore(hub.undo.pending, (all) => all.some((each) => each.id === task.id));
  const connected = useStore(hub.connection.phase, (phase) => phase.kind === 'open');
  const [returning, setReturning] = useState(false);
  const [card, setCard] = useState(false);
  useEffect(() => {
    if (connected) hub.openChannel(channelId).catch((error: unknown) => hub.trouble.update(() => error));
  }, [hub, channelId, connected]);
  const open = task.status === 'open';
  const solve = () => hub.undo.add(task.id, (leaving) => {
    hub.transition(task.id, 'solve', { leaving }).catch((error: unknown) => hub.trouble.update(() => error));
  });

  return (
    <>
      <section className="pane" aria-labelledby="pane-title">
        <header className="pane-top">
          <Button className="button button-quiet button-icon pane-back" aria-label={t('desk.back')} onPress={() => go('/desk')}><Icon name="back" /></Button>
          <Avatar name={task.reporter.displayName} presence={client?.presence} />
          <div className="pane-words">
            <h1 id="pane-title">{task.reporter.displayName}</h1>
            <p><span className="number">{task.number}</span> <StatusChip status={task.substatus} /> {open && <CaseTime task={task} />}</p>
          </div>
          {open && (
            <div className="pane-actions">
              <Button className="button button-small" data-testid="return" onPress={() => setReturning(true)} isDisabled={pending}><Icon name="returned" size={18} /><span>{t('return.button')}</span></Button>
              <Button className="button button-small button-primary" data-testid="solve" onPress={solve} isDisabled={pending}><Icon name="check" size={18} /><span>{t('solve.button')}</span></Button>
            </div>
          )}
          <Button className="button button-quiet button-icon pane-info" aria-label={t('desk.more')} onPress={() => setCard(true)}><Icon name="info" /></Button>
        </header>
        <MessageList hub={hub} channelId={channelId} empty={t('desk.empty')} />
        <div className="pane-foot">
          {open && me?.access !== 'read' ? <Composer hub={hub} channelId={channelId} autoFocus /> : <p className="pane-closed"><Icon name="lock" size={18} />{t(open ? 'desk.read-only' : 'desk.finished')}</p>}
        </div>
      </section>
      <section className="card" aria-label={t('desk.more')} tabIndex={0}><CaseCard hub={hub} task={task} /></section>
      <ReturnDialog hub={hub} task={task} open={returning} onClose={(returned) => { setReturning(false); if (returned) go('/desk'); }} />
      <Ask title={t('desk.more')} open={card} onClose={() => setCard(false)}>
        <CaseCard hub={hub} task={task} />
        <div className="dialog-buttons"><Button className="button" onPress={() => setCard(false)}>{t('card.close')}</Button></div>
      </Ask>
    </>
  );
}

// "Solved" takes effect after a few seconds; until then one press takes it back.
function UndoBar({ hub }: { hub: Hub }) {
  const { t } = useI18n();
  const pending = useStore(hub.undo.pending, (all) => all);
  const tasks = useStore(hub.state, (state) => state.tasks);
  const now = useNow();
  return (
    <div className="toasts" role="status">
      {pending.map((each) => (
        <div key={each.id} className="toast">
          <Icon name="done" />
          <span>{t('solve.pending', { number: tasks[each.id]?.number ?? '', seconds: Math.max(1, Math.ceil((each.due - now) / 1000)) })}</span>
          <Button className="button button-small" data-testid="undo" onPress={() => hub.undo.undo(each.id)}><Icon name="undo" size={18} />{t('solve.undo')}</Button>
        </div>
      ))}
    </div>
  );
}

// The browser asks for leave only when the person presses something.
function NotificationOffer() {
  const { t } = useI18n();
  const [offered, setOffered] = useState(canAsk);
  if (!offered) return null;
  const done = () => setOffered(false);
  return (
    <section className="offer" aria-label={t('alert.title')}>
      <Icon name="bell" />
      <span>{t('alert.ask')}</span>
      <div className="offer-buttons">
        <Button className="button button-small" onPress={() => void Notification.requestPermission().finally(done)}>{t('alert.allow')}</Button>
        <Button className="button button-small button-quiet" onPress={done}>{t('alert.later')}</Button>
      </div>
    </section>
  );
}
