import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Channel, Member, Post, Task } from '../../api';
import type { Session } from '../../app';
import { useStore } from '../../base/use-store';
import { Composer } from '../../conversation/composer';
import { MessageList } from '../../conversation/message-list';
import { QueueCard } from '../../conversation/queue-card';
import { useI18n, type Translate } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { currentTask, unread } from '../../state/model';
import { Avatar } from '../../ui/avatar';
import { ConnectionBar } from '../../ui/connection-bar';
import { Icon } from '../../ui/icon';
import { NotificationOffer } from '../../ui/notification-offer';
import { ProblemNotice } from '../../ui/problem-notice';
import { SettingsMenu } from '../../ui/settings-menu';
import { tellOfPost, useSound } from '../use-alerts';
import { useHub } from '../use-hub';
import { useLanguageChoice } from '../use-language-choice';
import { useLogout } from '../use-logout';

// What a person wrote, that somebody has come, and a question to the client; the notices of a long wait call nobody.
const calls = (post: Post) => post.authorKind === 'user' || post.code === 'client.request-assigned' || post.actions.length > 0;

// The client's one conversation.
export function ClientPage({ session }: { session: Session }) {
  const { t } = useI18n();
  const [spoken] = useState<{ t: Translate }>(() => ({ t }));
  spoken.t = t;
  const news = useMemo(() => ({ onPost: (post: Post) => { if (calls(post)) tellOfPost(spoken.t, post, () => undefined); } }), [spoken]);
  const hub = useHub(session, news);
  useSound();
  return hub && <Conversation session={session} hub={hub} />;
}

function Conversation({ session, hub }: { session: Session; hub: Hub }) {
  const { t } = useI18n();
  const channel = useStore(hub.state, (state) => Object.values(state.channels).find((each) => each.kind === 'common'));
  const tasks = useStore(hub.state, (state) => state.tasks);
  const fresh = useStore(hub.state, (state) => state.fresh);
  const trouble = useStore(hub.trouble, (error) => error);
  const unseen = useStore(hub.state, (state) => (channel ? unread(state, channel.id, hub.person.id) : 0));
  const { logout, question } = useLogout(session, hub);
  const onLanguage = useLanguageChoice(hub);
  const task = currentTask(Object.values(tasks));
  const consultant = currentConsultant(channel, task);
  useEffect(() => {
    document.title = unseen > 0 ? t('client.page-unread', { count: unseen }) : t('client.page');
  }, [t, unseen]);

  return (
    <div className="client">
      <header className="top">
        <div className="top-who">
          {consultant
            ? <Avatar name={consultant.displayName} presence={consultant.presence} />
            : <span className="brand-mark"><Icon name="logo" size={24} /></span>}
          <div className="top-words">
            <h1 data-testid="consultant">{consultant ? consultant.displayName : t('client.title')}</h1>
            <p>{statusLine(t, task, consultant)}</p>
          </div>
        </div>
        {task && <span className="number" title={t('client.number')}>{task.number}</span>}
        <SettingsMenu alerts name={hub.person.displayName} onLanguage={onLanguage} onLogout={logout} />
      </header>
      <ConnectionBar hub={hub} />
      {task?.status === 'open' && <NotificationOffer title={t('alert.client-title')} text={t('alert.client-ask')} />}
      <main className="client-main">
        {channel ? (
          <>
            <MessageList key={channel.id} hub={hub} channelId={channel.id} empty={t('client.empty')} />
            <div className="client-foot">
              {task?.substatus === 'on-assignment' || task?.substatus === 'reported' ? <QueueCard task={task} /> : null}
              <Composer hub={hub} channelId={channel.id} autoFocus />
            </div>
          </>
        ) : (
          <div className="client-wait">
            {trouble !== null ? <ProblemNotice error={trouble} /> : fresh ? <p>{t('client.no-channel')}</p> : <span className="spinner" role="img" aria-label={t('loading')} />}
          </div>
        )}
      </main>
      {question}
    </div>
  );
}

function currentConsultant(channel: Channel | undefined, task: Task | undefined): Member | undefined {
  if (task?.status !== 'open' || !task.assignee.userId) return undefined;
  const member = channel?.members.find((each) => each.userId === task.assignee.userId);
  if (member) return member;
  // The consultant is known by the task a moment before they have joined the channel.
  return task.assignee.displayName
    ? { userId: task.assignee.userId, displayName: task.assignee.displayName, kind: 'consultant', access: 'write', presence: 'online' }
    : undefined;
}

function statusLine(t: ReturnType<typeof useI18n>['t'], task: Task | undefined, consultant: Member | undefined): string {
  if (consultant) return t(consultant.presence === 'online' || consultant.presence === 'dnd' ? 'client.your-consultant' : 'client.your-consultant-away');
  if (task?.status === 'open') return t('client.seeking');
  return t(task ? 'client.finished' : 'client.lead');
}
