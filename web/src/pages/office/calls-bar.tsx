import { useEffect, useState } from 'preact/hooks';

import { problemOf, type Task } from '../../api';
import type { Session } from '../../app';
import { useStore } from '../../base/use-store';
import { useI18n } from '../../i18n/i18n';
import { notify, sound } from '../../ui/alerts';
import { Icon } from '../../ui/icon';
import { NotificationOffer } from '../../ui/notification-offer';
import { Calls } from '../../state/calls';
import { Button } from '../../ui/button';
import { useSound } from '../use-alerts';
import { TaskDialog } from './task-dialog';
import { useConsultants } from './use-consultants';

// Living as long as the page.
export function useCalls(session: Session): Calls | null {
  const { t } = useI18n();
  const [calls, setCalls] = useState<Calls | null>(null);
  useSound();
  useEffect(() => {
    const made = new Calls({
      api: session.api,
      onSessionOver: session.onOver,
      onCall: (task) => {
        sound('assigned');
        notify({ title: t('office.call-title'), body: task.title || task.number, tag: task.id, onPress: () => undefined });
      },
    });
    made.start();
    setCalls(made);
    return () => made.stop();
  }, [session, t]);
  return calls;
}

// The cases that wait for a supervisor, over whatever part of the office is shown.
export function CallsBar({ session, calls }: { session: Session; calls: Calls }) {
  const { t } = useI18n();
  const open = useStore(calls.open, (tasks) => tasks);
  const consultants = useConsultants(session);
  const [shown, setShown] = useState<Task | null>(null);
  // The case itself, where the call names one that still is there.
  const show = async (call: Task) => {
    try {
      setShown(call.title ? await session.api.tasks.getTask({ id: call.title }) : call);
    } catch (error) {
      if (problemOf(error)?.status === 401) session.onOver();
      else setShown(call);
    }
  };
  return (
    <>
      <NotificationOffer title={t('office.call-title')} text={t('office.call-ask')} />
      <div role="status" className="calls">
        {open.map((call) => (
          <div key={call.id} className="notice notice-danger" data-testid="call">
            <Icon name="alert" />
            <p>{t('office.call', { number: call.title || call.number, client: call.reporter.displayName })}</p>
            <Button className="button button-small" onPress={() => void show(call)}>{t('office.call-show')}</Button>
          </div>
        ))}
      </div>
      {shown && <TaskDialog session={session} task={shown} consultants={consultants} onChange={() => calls.changes.update((count) => count + 1)} onClose={() => setShown(null)} />}
    </>
  );
}
