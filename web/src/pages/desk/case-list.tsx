import type { MouseEvent } from 'react';

import type { Task } from '../../api';
import { useNow } from '../../base/clock';
import { go } from '../../base/router';
import { clockTime, elapsed } from '../../base/time';
import { useStore } from '../../base/use-store';
import { useI18n } from '../../i18n/i18n';
import { readDraft } from '../../state/drafts';
import type { Hub } from '../../state/hub';
import { unread } from '../../state/model';
import { Avatar } from '../../ui/avatar';
import { StatusChip } from '../../ui/status-chip';

// An unanswered task goes back to the queue after so long (ms).
export const answerWithin = 2 * 60_000;

export const casePath = (task: Task) => `/desk/${task.number}`;

// One's consultations, side by side: who, what is new, how long.
export function CaseList({ hub, title, tasks, current, empty }: { hub: Hub; title: string; tasks: readonly Task[]; current: string | undefined; empty?: string }) {
  return (
    <section aria-label={title}>
      <h2 className="cases-title">{title}{tasks.length > 0 && <span className="cases-count">{tasks.length}</span>}</h2>
      {tasks.length === 0 && empty && <p className="cases-empty">{empty}</p>}
      <ul className="cases">{tasks.map((task) => <li key={task.id}><Case hub={hub} task={task} current={task.id === current} /></li>)}</ul>
    </section>
  );
}

function Case({ hub, task, current }: { hub: Hub; task: Task; current: boolean }) {
  const { t, language } = useI18n();
  const channelId = task.channelId ?? '';
  const client = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === task.reporter.userId));
  const last = useStore(hub.state, (state) => state.posts[channelId]?.at(-1) ?? state.channels[channelId]?.lastPost);
  const count = useStore(hub.state, (state) => (current ? 0 : unread(state, channelId, hub.person.id)));
  const draft = current ? '' : readDraft(hub.box, channelId);
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(casePath(task));
  };
  return (
    <a className="case" href={casePath(task)} aria-current={current ? 'page' : undefined} onClick={follow} data-task={task.number} data-status={task.substatus}>
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
          {task.status === 'open' && <CaseTime task={task} />}
        </span>
      </span>
    </a>
  );
}

// How long one has left to answer, or how long it has been going on.
export function CaseTime({ task }: { task: Task }) {
  const { t } = useI18n();
  const now = useNow();
  if (task.substatus === 'assigned') {
    const due = Date.parse(task.assignee.at) + answerWithin;
    const late = due <= now;
    return <span className="case-due" data-late={due - now < 30_000}>{late ? t('desk.answer-late') : t('desk.answer-within', { time: elapsed(new Date(now).toISOString(), due) })}</span>;
  }
  return <span className="case-due">{t('desk.running', { time: elapsed(task.assignee.at, now) })}</span>;
}

// A line of a message without its marks.
const plain = (text: string | undefined) => (text ?? '').replace(/[*_`]/g, '').replace(/\s+/g, ' ').slice(0, 120);
