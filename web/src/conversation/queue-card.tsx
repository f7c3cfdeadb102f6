import type { Task } from '../api';
import { useNow } from '../base/clock';
import { elapsed, elapsedDuration } from '../base/time';
import { useI18n } from '../i18n/i18n';
import { Icon } from '../ui/icon';

// A consultant is being sought: why one waits, for how long, and at which place.
export function QueueCard({ task }: { task: Task }) {
  const { t } = useI18n();
  const now = useNow();
  const waiting = task.waiting;
  const since = waiting?.since ?? task.reporter.at;
  return (
    <section className="queue-card" aria-labelledby="queue-title" data-testid="queue-card" data-reason={waiting?.reason}>
      <span className="queue-pulse" aria-hidden="true"><Icon name="queue" size={22} /></span>
      <div className="queue-words">
        <h2 id="queue-title">{t('queue.title')}</h2>
        <p>{t(`queue.reason-${waiting?.reason ?? 'assigning'}`)}</p>
      </div>
      <dl className="queue-facts">
        <div><dt>{t('queue.waited')}</dt><dd><time dateTime={elapsedDuration(since, now)} role="timer" data-testid="queue-timer">{elapsed(since, now)}</time></dd></div>
        {waiting && waiting.position > 0 && <div><dt>{t('queue.place')}</dt><dd data-testid="queue-position">{waiting.position === 1 ? t('queue.next') : waiting.position}</dd></div>}
      </dl>
    </section>
  );
}
