import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { problemOf, type HistoryEntry, type Task, type User } from '../../api';
import { dayAndTime } from '../../base/time';
import { useStore } from '../../base/use-store';
import { CaseHistory } from '../../conversation/case-history';
import { useI18n } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { Avatar } from '../../ui/avatar';
import { StatusChip } from '../../ui/status-chip';

// Who the client is, what the case is, what happened to it.
export function CaseCard({ hub, task }: { hub: Hub; task: Task }) {
  const { t, language } = useI18n();
  const client = useClient(hub, task);
  const history = useHistory(hub, task);
  const presence = useStore(hub.state, (state) => state.channels[task.channelId ?? '']?.members.find((member) => member.userId === task.reporter.userId)?.presence);
  // The introduction that the platform wrote to the consultant carries the phone, whoever may read profiles.
  const phone = useStore(hub.state, (state) => {
    const intro = state.posts[task.channelId ?? '']?.filter((post) => post.code === 'consultant.request-assigned').at(-1);
    const parameters = intro?.parameters as { clientPhone?: unknown } | undefined;
    return typeof parameters?.clientPhone === 'string' ? parameters.clientPhone : undefined;
  });
  return (
    <>
      <section className="card-block card-client" aria-label={t('card.client')}>
        <Avatar name={task.reporter.displayName} size="large" />
        <div>
          <h2>{task.reporter.displayName}</h2>
          <p>{t(presence === 'online' ? 'card.presence-online' : 'card.presence-offline')}</p>
        </div>
      </section>
      <dl className="facts card-block">
        <Fact name={t('card.phone')} value={client?.phone ?? phone} />
        <Fact name={t('card.email')} value={client?.email} />
        <Fact name={t('card.birth')} value={client?.birthDate && new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(client.birthDate))} />
        <Fact name={t('card.language')} value={client && (new Intl.DisplayNames([language], { type: 'language' }).of(client.language) ?? client.language)} />
        <Fact name={t('card.number')} value={<>{task.number} <StatusChip status={task.substatus} /></>} />
        <Fact name={t('card.asked')} value={dayAndTime(task.reporter.at, language)} />
      </dl>
      {task.feedback && (
        <section className="card-block" data-testid="feedback">
          <h3>{t('feedback.title')}</h3>
          <p><span className="chip" data-tone={task.feedback.answer === 'yes' ? 'good' : task.feedback.answer === 'no' ? 'bad' : 'new'}>{t(`feedback.${task.feedback.answer}`)}</span></p>
          {task.feedback.text && <blockquote className="quote" dir="auto">{task.feedback.text}</blockquote>}
        </section>
      )}
      <CaseHistory entries={history} me={hub.person.id} />
    </>
  );
}

function Fact({ name, value }: { name: string; value: ComponentChildren | undefined }) {
  return value ? <div><dt>{name}</dt><dd>{value}</dd></div> : null;
}

// Not everybody may read a profile; the card then shows what the case itself says.
function useClient(hub: Hub, task: Task): User | null {
  const [client, setClient] = useState<User | null>(null);
  useEffect(() => {
    let current = true;
    setClient(null);
    hub.api.users.getUser({ id: task.reporter.userId }).then((user) => current && setClient(user), () => undefined);
    return () => {
      current = false;
    };
  }, [hub, task.reporter.userId]);
  return client;
}

function useHistory(hub: Hub, task: Task): HistoryEntry[] {
  const [entries, setEntries] = useState<HistoryEntry[]>([]);
  useEffect(() => {
    let current = true;
    hub.api.tasks.getHistory({ id: task.id }).then((reply) => current && setEntries(reply.items), (error: unknown) => {
      if (current && problemOf(error)) setEntries([]);
    });
    return () => {
      current = false;
    };
  }, [hub, task.id, task.version]);
  return entries;
}
