import { useCallback, useEffect, useState } from 'preact/hooks';

import { taskSubstatuses, type Api, type Task } from '../../api';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { StatusChip } from '../../ui/status-chip';
import { Listing, useList } from './listing';
import { SearchField } from './search-field';
import { TaskDialog } from './task-dialog';
import { useConsultants } from './use-consultants';

// `changes` rises when the list is not what it was.
export function Tasks({ session, changes }: { session: Session; changes: number }) {
  const { t, language } = useI18n();
  const [substatus, setSubstatus] = useState<Task['substatus'] | ''>('');
  const [consultant, setConsultant] = useState('');
  const [number, setNumber] = useState('');
  const [shown, setShown] = useState<Task | null>(null);
  const read = useCallback((api: Api, cursor: string | undefined) => api.tasks.listTasks({
    ...(substatus ? { substatus } : {}), ...(consultant ? { assigneeUserId: consultant } : {}), ...(number ? { number: number.toUpperCase() } : {}), ...(cursor ? { cursor } : {}),
  }), [substatus, consultant, number]);
  const list = useList<Task>(session.api, read, session.onOver);
  const named = useConsultants(session);
  const { load } = list;
  useEffect(() => {
    if (changes > 1) void load();
  }, [changes, load]);
  return (
    <Listing list={list} title={t('office.tasks')} keyOf={(task) => task.id}
      columns={[
        { head: t('office.number'), cell: (task) => <Button className="link number" onPress={() => setShown(task)}>{task.number}</Button> },
        { head: t('office.client'), cell: (task) => task.reporter.displayName },
        { head: t('office.status'), cell: (task) => <StatusChip status={task.substatus} /> },
        { head: t('office.consultant'), cell: (task) => task.assignee.displayName ?? '—' },
        { head: t('office.since'), cell: (task) => <time dateTime={task.createdAt}>{dayAndTime(task.createdAt, language)}</time> },
      ]}
      filters={(
        <>
          <Choice label={t('office.status')} name="status" value={substatus} none={t('office.all')} options={taskSubstatuses.map((id) => ({ id, name: t(`status.${id}`) }))} onChange={setSubstatus} />
          {named.length > 0 && <Choice label={t('office.consultant')} name="consultant" value={consultant} none={t('office.all')} options={named} onChange={setConsultant} />}
          <SearchField label={t('office.number')} name="number" onSearch={setNumber} />
        </>
      )}>
      {shown && <TaskDialog session={session} task={shown} consultants={named} onChange={() => void list.load()} onClose={() => setShown(null)} />}
    </Listing>
  );
}
