import { useCallback, useEffect, useState } from 'preact/hooks';

import type { AssignmentEntry, HistoryEntry, Task, Transition } from '../../api';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { CaseHistory } from '../../conversation/case-history';
import { useI18n, type Translate } from '../../i18n/i18n';
import { Ask } from '../../ui/ask';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Field } from '../../ui/field';
import { ProblemNotice } from '../../ui/problem-notice';
import { StatusChip } from '../../ui/status-chip';

interface Story {
  task: Task;
  history: readonly HistoryEntry[];
  assignments: readonly AssignmentEntry[];
  transitions: readonly Transition[];
}

interface TaskDialogProps {
  session: Session;
  task: Task;
  consultants: readonly { id: string; name: string }[];
  onChange(): void;
  onClose(): void;
}

// What happened to a case and why it went to whom; those who may, act on it here.
export function TaskDialog({ session, task: listed, consultants, onChange, onClose }: TaskDialogProps) {
  const { t, language } = useI18n();
  const { story, error, busy, act } = useStory(session, listed.id, onChange);
  const task = story?.task ?? listed;
  const manages = session.person.permissions.includes('tasks.manage');
  const nameOf = (id: string | undefined) => consultants.find((each) => each.id === id)?.name ?? (id === task.assignee.userId ? task.assignee.displayName : undefined) ?? t('office.consultant');
  return (
    <Ask title={task.number} open onClose={onClose} size="large">
      {error !== null && <ProblemNotice error={error} />}
      <p className="row"><strong>{task.reporter.displayName}</strong> <StatusChip status={task.substatus} />{task.assignee.displayName && <span>{task.assignee.displayName}</span>}</p>
      {task.feedback && <p>{t('feedback.title')}: <strong>{t(`feedback.${task.feedback.answer}`)}</strong>{task.feedback.text && <> — {task.feedback.text}</>}</p>}
      {manages && task.status === 'open' && story && <Actions story={story} consultants={consultants} busy={busy} act={act} session={session} />}
      {task.waiting && (
        <section aria-label={t('office.why-waits')} data-testid="why-waits">
          <h3>{t('office.why-waits')}</h3>
          <p className="reasons">{t(`office.waits-${task.waiting.reason}`)} {t('office.waits-place', { position: task.waiting.position, since: dayAndTime(task.waiting.since, language) })}</p>
        </section>
      )}
      {story && story.assignments.length > 0 && (
        <section aria-label={t('office.why')}>
          <h3>{t('office.why')}</h3>
          <ul className="reasons">{story.assignments.map((entry) => <li key={entry.id}><time dateTime={entry.at}>{dayAndTime(entry.at, language)}</time> {why(t, language, entry, nameOf(entry.userId))}</li>)}</ul>
        </section>
      )}
      {story && <CaseHistory entries={story.history} me={session.person.id} />}
      <div className="dialog-buttons"><Button className="button" onPress={onClose}>{t('card.close')}</Button></div>
    </Ask>
  );
}

function why(t: Translate, language: string, { rule, choice, candidates }: AssignmentEntry, name: string): string {
  if (rule === 'by-hand') return t('office.why-by-hand', { name });
  if (!choice) return t('office.why-rule', { name });
  const chosen = t('office.why-chosen', { name, open: choice.openTasks, since: dayAndTime(choice.idleSince, language) });
  return `${chosen} ${t('office.why-others', { online: candidates, full: choice.atLimit, limit: choice.limit, leftOut: choice.leftOut })}`;
}

// Moves of the model that a manager makes by hand; giving it to somebody has a list of its own.
const byHand = ['start', 'return', 'solve', 'cancel'];

function Actions({ session, story: { task, transitions }, consultants, busy, act }: { session: Session; story: Story; consultants: TaskDialogProps['consultants']; busy: boolean; act: (work: () => Promise<unknown>) => Promise<void> }) {
  const { t } = useI18n();
  const [reason, setReason] = useState('');
  const [person, setPerson] = useState('');
  const possible = transitions.filter((each) => byHand.includes(each.id));
  const assignable = transitions.some((each) => each.id === 'assign') && consultants.length > 0;
  const { tasks } = session.api;
  return (
    <div className="form office-actions">
      {assignable && (
        <div className="search">
          <Choice label={t('office.give-to')} name="give-to" value={person} none="—" options={consultants.filter((each) => each.id !== task.assignee.userId)} onChange={setPerson} />
          <Button className="button button-small" isDisabled={person === ''} data-busy={busy || undefined} onPress={() => void act(() => tasks.setAssignee({ id: task.id, version: task.version, userId: person }))}>{t('office.give')}</Button>
        </div>
      )}
      {possible.length > 0 && <Field label={t('return.reason')} name="reason" value={reason} onChange={setReason} longest={500} hint={possible.some((each) => each.reasonRequired) ? t('office.reason-hint') : undefined} />}
      <div className="row">
        {possible.map((each) => (
          <Button key={each.id} className="button button-small" data-transition={each.id} data-busy={busy || undefined} isDisabled={each.reasonRequired && reason.trim() === ''}
            onPress={() => void act(() => tasks.makeTransition({ id: task.id, transition: each.id, expectedVersion: task.version, ...(reason.trim() ? { reason: reason.trim() } : {}) }))}>
            {t(`office.do-${each.id}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}

function useStory({ api }: Session, id: string, onChange: () => void) {
  const [story, setStory] = useState<Story | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const load = useCallback(async () => {
    const [task, history, assignments, transitions] = await Promise.all([
      api.tasks.getTask({ id }), api.tasks.getHistory({ id }), api.tasks.listAssignments({ taskId: id }), api.tasks.listTransitions({ id }),
    ]);
    setStory({ task, history: history.items, assignments: assignments.items, transitions: transitions.items });
  }, [api, id]);
  useEffect(() => {
    load().catch(setError);
  }, [load]);
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      onChange();
    } catch (failure) {
      setError(failure);
    }
    await load().catch(setError);
    setBusy(false);
  };
  return { story, error, busy, act };
}
