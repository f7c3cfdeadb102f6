import { useEffect, useState } from 'preact/hooks';

import type { Task } from '../../api';
import { useStore } from '../../base/use-store';
import { Composer } from '../../conversation/composer';
import { MessageList } from '../../conversation/message-list';
import { useI18n } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { endOfCase, unreadOfPeople } from '../../state/model';
import { Ask } from '../../ui/ask';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { StatusChip } from '../../ui/status-chip';
import { CaseCard } from './case-card';
import { CaseTime } from './case-list';
import { ReturnDialog } from './return-dialog';

interface CasePaneProps {
  hub: Hub;
  task: Task;
  // The consultant's other cases; a later one in the same channel ends this one's part of it.
  others: readonly Task[];
  autoFocus: boolean;
  first: boolean;
  onActive(): void;
  onShow(number: string): void;
  onBack(): void;
  onClose?: (() => void) | undefined;
  // The case is no longer this consultant's.
  onGone(): void;
}

// One consultation: who, the conversation, what can be done with the case.
export function CasePane({ hub, task, others, autoFocus, first, onActive, onShow, onBack, onClose, onGone }: CasePaneProps) {
  const { t } = useI18n();
  const channelId = task.channelId ?? '';
  const until = endOfCase(task, others);
  const newer = others.find((other) => other.channelId === task.channelId && other.status === 'open' && other.id !== task.id);
  const client = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === task.reporter.userId));
  const me = useStore(hub.state, (state) => state.channels[channelId]?.members.find((member) => member.userId === hub.person.id));
  const pending = useStore(hub.undo.pending, (all) => all.some((each) => each.id === task.id));
  const connected = useStore(hub.connection.phase, (phase) => phase.kind === 'open');
  // Where one case fills the screen, this tells of the others.
  const elsewhere = useStore(hub.state, (state) => others.reduce((sum, other) => (other.id === task.id || other.status === 'closed' ? sum : sum + unreadOfPeople(state, other.channelId ?? '', hub.person.id)), 0));
  const [returning, setReturning] = useState(false);
  const [card, setCard] = useState(false);
  useEffect(() => {
    if (connected) hub.openChannel(channelId).catch((error: unknown) => hub.trouble.update(() => error));
  }, [hub, channelId, connected]);
  const open = task.status === 'open';
  const Heading = first ? 'h1' : 'h2';
  const solve = () => hub.undo.add(task.id, (leaving) => {
    hub.transition(task.id, 'solve', { leaving }).catch((error: unknown) => hub.trouble.update(() => error));
  });

  return (
    <>
      <section className="pane" aria-label={`${task.reporter.displayName}, ${task.number}`} data-pane={task.number} onFocusCapture={onActive} onPointerDownCapture={onActive}>
        <header className="pane-top">
          <Button className="button button-quiet button-icon pane-back" aria-label={elsewhere > 0 ? `${t('desk.back')}, ${t('desk.unread', { count: elsewhere })}` : t('desk.back')} onPress={onBack}>
            <Icon name="back" />{elsewhere > 0 && <span className="badge" data-testid="elsewhere">{elsewhere}</span>}
          </Button>
          <Avatar name={task.reporter.displayName} presence={client?.presence} />
          <div className="pane-words">
            <Heading>{task.reporter.displayName}</Heading>
            <p><span className="number">{task.number}</span> <StatusChip status={task.substatus} /> {open && <CaseTime task={task} />}</p>
          </div>
          {open && (
            <div className="pane-actions">
              <Button className="button button-small" data-testid="return" onPress={() => setReturning(true)} isDisabled={pending}><Icon name="returned" size={18} /><span>{t('return.button')}</span></Button>
              <Button className="button button-small button-primary" data-testid="solve" onPress={solve} isDisabled={pending}><Icon name="check" size={18} /><span>{t('solve.button')}</span></Button>
            </div>
          )}
          <Button className="button button-quiet button-icon pane-info" aria-label={t('desk.more')} onPress={() => setCard(true)}><Icon name="info" /></Button>
          {onClose && <Button className="button button-quiet button-icon" aria-label={t('desk.close', { client: task.reporter.displayName })} onPress={onClose}><Icon name="close" /></Button>}
        </header>
        <MessageList hub={hub} channelId={channelId} empty={t('desk.empty')} until={until} />
        <div className="pane-foot">
          {open && me?.access !== 'read' && <Composer hub={hub} channelId={channelId} autoFocus={autoFocus} />}
          {open && me?.access === 'read' && <p className="pane-closed"><Icon name="lock" size={18} />{t('desk.read-only')}</p>}
          {!open && !newer && <p className="pane-closed"><Icon name="lock" size={18} />{t('desk.finished')}</p>}
          {newer && <p className="pane-closed"><Button className="button button-small" onPress={() => onShow(newer.number)}><Icon name="chats" size={18} />{t('desk.newer', { number: newer.number })}</Button></p>}
        </div>
      </section>
      <section className="card" aria-label={t('desk.more')} tabIndex={0}><CaseCard hub={hub} task={task} /></section>
      <ReturnDialog hub={hub} task={task} open={returning} onClose={(returned) => { setReturning(false); if (returned) onGone(); }} />
      <Ask title={t('desk.more')} open={card} onClose={() => setCard(false)}>
        <CaseCard hub={hub} task={task} />
        <div className="dialog-buttons"><Button className="button" onPress={() => setCard(false)}>{t('card.close')}</Button></div>
      </Ask>
    </>
  );
}
