import '../../design/desk.css';

import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Post, Task } from '../../api';
import type { Session } from '../../app';
import { useNow } from '../../base/clock';
import { go } from '../../base/router';
import { clockSeconds } from '../../base/time';
import { useStore } from '../../base/use-store';
import { composerId } from '../../conversation/composer';
import { useI18n, type Translate } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { currentTask, unreadOfPeople } from '../../state/model';
import { undoFor } from '../../state/undo';
import { notify, sound } from '../../ui/alerts';
import { Button } from '../../ui/button';
import { ConnectionBar } from '../../ui/connection-bar';
import { Icon } from '../../ui/icon';
import { NotificationOffer } from '../../ui/notification-offer';
import { ProblemNotice } from '../../ui/problem-notice';
import { SettingsMenu } from '../../ui/settings-menu';
import { tellOfPost, useSound } from '../use-alerts';
import { useHub } from '../use-hub';
import { useLanguageChoice } from '../use-language-choice';
import { useLogout } from '../use-logout';
import { CaseList, casePath } from './case-list';
import { CasePane } from './case-pane';
import { beside, instead, numbersOf, pathOf, shownOf, useRoom, without } from './panes';
import { PresenceMenu, usePresence } from './presence-menu';

// The consultant's desk: several consultations side by side.
export default function DeskPage({ session, path }: { session: Session; path: string }) {
  const { t } = useI18n();
  const [spoken] = useState<{ t: Translate; open: (channelId: string) => void }>(() => ({ t, open: () => undefined }));
  spoken.t = t;
  const [fresh, setFresh] = useState(false);
  const news = useMemo(() => ({
    onAssigned(task: Task) {
      sound('assigned');
      if (document.visibilityState === 'visible' && document.hasFocus()) return;
      setFresh(true);
      notify({ title: spoken.t('alert.title'), body: spoken.t('alert.body', { client: task.reporter.displayName }), tag: task.id, onPress: () => go(casePath(task)) });
    },
    onPost(post: Post) {
      if (post.authorKind === 'user') tellOfPost(spoken.t, post, () => spoken.open(post.channelId));
    },
  }), [spoken]);
  const hub = useHub(session, news);
  spoken.open = (channelId) => {
    const task = currentTask(Object.values(hub?.state.get().tasks ?? {}).filter((each) => each.channelId === channelId && each.assignee.userId === session.person.id));
    if (task) go(casePath(task));
  };
  useSound();
  useEffect(() => {
    const seen = () => document.visibilityState === 'visible' && setFresh(false);
    addEventListener('focus', seen);
    document.addEventListener('visibilitychange', seen);
    return () => {
      removeEventListener('focus', seen);
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
  return hub && <Desk session={session} hub={hub} path={path} fresh={fresh} />;
}

function Desk({ session, hub, path, fresh }: { session: Session; hub: Hub; path: string; fresh: boolean }) {
  const { t } = useI18n();
  const all = useStore(hub.state, (state) => state.tasks);
  const trouble = useStore(hub.trouble, (error) => error);
  const loaded = useStore(hub.state, (state) => state.fresh);
  const presence = usePresence(hub);
  const { logout, question } = useLogout(session, hub);
  const onLanguage = useLanguageChoice(hub);
  const mine = Object.values(all).filter((task) => task.assignee.userId === hub.person.id);
  const open = mine.filter((task) => task.status === 'open').sort((left, right) => (left.createdAt < right.createdAt ? -1 : 1));
  const closed = mine.filter((task) => task.status === 'closed').sort((left, right) => (closedAt(left) < closedAt(right) ? 1 : -1));
  const unseen = useStore(hub.state, (state) => open.reduce((sum, task) => sum + unreadOfPeople(state, task.channelId ?? '', hub.person.id), 0));
  useEffect(() => {
    document.title = fresh ? t('desk.page-new') : unseen > 0 ? t('desk.page-unread', { count: unseen }) : t('desk.page');
  }, [t, fresh, unseen]);

  const room = useRoom();
  const [active, setActive] = useState<string>();
  const numbers = numbersOf(path);
  const foreground = active !== undefined && numbers.includes(active) ? active : numbers[0];
  const shown = shownOf(numbers, [foreground], room);
  const panes = shown.flatMap((number) => mine.find((task) => task.number === number) ?? []);
  const show = (next: readonly string[], number: string | undefined) => {
    setActive(number);
    go(pathOf(next));
    if (number !== undefined && numbers.includes(number)) document.getElementById(composerId(mine.find((task) => task.number === number)?.channelId))?.focus();
  };
  const list = {
    hub, current: foreground, shown,
    onShow: (task: Task) => show(instead(numbers, foreground, task.number), task.number),
    ...(room > 1 && panes.length > 0 ? { onBeside: (task: Task) => show(beside(shown, foreground, task.number, room), task.number) } : {}),
  };

  return (
    <div className="desk" data-open={numbers.length > 0}>
      <header className="top desk-top">
        <span className="brand"><span className="brand-mark"><Icon name="logo" size={22} /></span><span className="desk-brand-name">Consilium</span></span>
        {panes.length === 0 && <h1 className="visually-hidden">{t('desk.title')}</h1>}
        <PresenceMenu {...presence} />
        <SettingsMenu alerts name={hub.person.displayName} onLanguage={onLanguage} onLogout={logout} />
      </header>
      <ConnectionBar hub={hub} />
      <GapNotice hub={hub} />
      <NotificationOffer title={t('alert.title')} text={t('alert.ask')} />
      {trouble !== null && <div className="desk-trouble"><ProblemNotice error={trouble} /></div>}
      <main className="desk-body" data-panes={panes.length}>
        <nav className="desk-list" aria-label={t('desk.title')}>
          <CaseList {...list} title={t('desk.open')} tasks={open} empty={t(presence.status === null || presence.status === 'online' ? 'desk.none' : 'desk.none-paused')} />
          {closed.length > 0 && <CaseList {...list} title={t('desk.closed')} tasks={closed} />}
        </nav>
        {panes.map((task, index) => (
          <CasePane key={task.id} hub={hub} task={task} others={mine} autoFocus={task.number === foreground} first={index === 0}
            onActive={() => setActive(task.number)} onShow={(number) => show(instead(numbers, task.number, number), number)}
            onBack={() => go('/desk')} onClose={panes.length > 1 ? () => show(without(numbers, task.number), undefined) : undefined}
            onGone={() => show(without(numbers, task.number), undefined)} />
        ))}
        {panes.length === 0 && (
          <div className="desk-none">
            {numbers.length > 0 && loaded && <Button className="button desk-back-wide" onPress={() => go('/desk')}><Icon name="back" />{t('desk.back')}</Button>}
            <span className="desk-none-sign" aria-hidden="true"><Icon name="chats" size={40} /></span>
            {numbers.length > 0 && loaded ? <p>{t('desk.not-found')}</p> : open.length > 0 && <p>{t('desk.pick')}</p>}
          </div>
        )}
      </main>
      <UndoBar hub={hub} />
      {question}
    </div>
  );
}

const closedAt = (task: Task) => task.closedAt ?? task.updatedAt;

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
          <span>{t('solve.pending', { number: tasks[each.id]?.number ?? '', seconds: Math.min(undoFor / 1000, Math.max(1, Math.ceil((each.due - now) / 1000))) })}</span>
          <Button className="button button-small" data-testid="undo" onPress={() => hub.undo.undo(each.id)}><Icon name="undo" size={18} />{t('solve.undo')}</Button>
        </div>
      ))}
    </div>
  );
}

// After a frozen page or a lost network: what may have happened meanwhile. It stays until the person has seen it.
function GapNotice({ hub }: { hub: Hub }) {
  const { t, language } = useI18n();
  const gap = useStore(hub.connection.gap, (state) => state);
  return (
    <div role="status">
      {gap && (
        <div className="offer offer-lasting" data-testid="gap">
          <Icon name="offline" />
          <span>{t('desk.gap', { from: clockSeconds(gap.from, language), until: clockSeconds(gap.until, language) })}</span>
          <div className="offer-buttons"><Button className="button button-small" onPress={() => hub.connection.gap.update(() => null)}>{t('desk.gap-seen')}</Button></div>
        </div>
      )}
    </div>
  );
}
