
import type { Post, Task } from '../../api';
import { useNow } from '../../base/clock';
import { clockTime, elapsed } from '../../base/time';
import { useStore } from '../../base/use-store';
import { useI18n } from '../../i18n/i18n';
import { readDraft } from '../../state/drafts';
import type { Hub } from '../../state/hub';
import { endOfCase, unreadOfPeople, type Conversations } from '../../state/model';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { StatusChip } from '../../ui/status-chip';
import { pathOf } from './panes';

export const casePath = (task: Task) => pathOf([task.number]);

interface CaseListProps {
  hub: Hub;
  // The one that the keyboard is in, and all that are on screen, by their numbers.
  current: string | undefined;
  shown: readonly string[];
  onShow(task: Task): void;
  // Absent where there is no room for one more.
  onBeside?: (task: Task) => void;
}

// One's consultations: who, what is new, how long.
export function CaseList({ title, tasks, empty, ...list }: CaseListProps & { title: string; tasks: readonly Task[]; empty?: string }) {
  return (
    <section aria-label={title}>
      <h2 className="cases-title">{title}{tasks.length > 0 && <span className="cases-count">{tasks.length}</span>}</h2>
      {tasks.length === 0 && empty && <p className="cases-empty">{empty}</p>}
      <ul className="cases">{tasks.map((task) => <Case key={task.id} {...list} task={task} />)}</ul>
    </section>
  );
}

function Case({ hub, task, current, shown, onShow, onBeside }: CaseListProps & { task: Task }) {
  const { t, language } = useI18n();
  const channelId = task.channelId ?? '';
  const open = task.status === 'open';
  const seen = shown.includes(task.number);
  const client = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === task.reporter.userId));
  const last = useStore(hub.state, (state) => lastWords(state, task));
  const count = useStore(hub.state, (state) => (seen || !open ? 0 : unreadOfPeople(state, channelId, hub.person.id)));
  const draft = seen || !open ? '' : readDraft(hub.box, channelId);
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    onShow(task);
  };
  return (
    <li className="case-row">
      <a className="case" href={casePath(task)} aria-current={task.number === current ? 'page' : seen ? 'true' : undefined} onClick={follow} data-task={task.number} data-status={task.substatus}>
        <Avatar name={task.reporter.displayName} presence={client?.presence} />
        <span className="case-words">
          <span className="case-line">
            <span className="case-name">{task.reporter.displayName}</span>
            <span className="case-time">{last && clockTime(last.at, language)}</span>
          </span>
          <span className="case-line">
            <span className="case-last" data-draft={draft !== ''}>{draft ? t('desk.draft', { text: draft }) : plain(last?.text)}</span>
            {count > 0 && <span className="badge" data-testid="unread"><span aria-hidden="true">{count}</span><span className="visually-hidden">{t('desk.unread', { count })}</span></span>}
          </span>
          <span className="case-line">
            <StatusChip status={task.substatus} />
            {open ? <CaseTime task={task} /> : <span className="case-due">{task.number}</span>}
          </span>
        </span>
      </a>
      {onBeside && !seen && <Button className="button button-quiet button-icon case-beside" aria-label={t('desk.beside', { client: `${task.reporter.displayName}, ${task.number}` })} onPress={() => onBeside(task)}><Icon name="beside" size={18} /></Button>}
    </li>
  );
}

// What was said last in the case, by people if by anybody.
function lastWords(state: Conversations, task: Task): Post | undefined {
  const channelId = task.channelId ?? '';
  const end = endOfCase(task, Object.values(state.tasks));
  const posts = (state.posts[channelId] ?? []).filter((post) => end === undefined || post.at < end);
  return posts.filter((post) => post.authorKind === 'user').at(-1) ?? posts.at(-1) ?? (end === undefined ? state.channels[channelId]?.lastPost : undefined);
}

// How long one has left to answer, or how long it has been going on.
export function CaseTime({ task }: { task: Task }) {
  const { t } = useI18n();
  const now = useNow();
  if (task.answerBy) {
    const due = Date.parse(task.answerBy);
    const late = due <= now;
    return <span className="case-due" data-late={due - now < 30_000}>{late ? t('desk.answer-late') : t('desk.answer-within', { time: elapsed(new Date(now).toISOString(), due) })}</span>;
  }
  return <span className="case-due">{t('desk.running', { time: elapsed(task.assignee.at, now) })}</span>;
}

// A line of a message without its marks.
const plain = (text: string | undefined) => (text ?? '').replace(/[*_`]/g, '').replace(/\s+/g, ' ').slice(0, 120);
