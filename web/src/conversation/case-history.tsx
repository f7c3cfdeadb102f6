import type { HistoryEntry } from '../api';
import { dayAndTime } from '../base/time';
import { useI18n } from '../i18n/i18n';

// Reasons that the platform itself writes as a code.
const coded = new Set(['offline', 'unanswered']);
const named = new Set(['report', 'enqueue', 'assign', 'start', 'return', 'solve', 'cancel', 'feedback']);

// What happened to a case, the newest first. `me`: whose own changes are told as theirs.
export function CaseHistory({ entries, me }: { entries: readonly HistoryEntry[]; me: string }) {
  const { t, language } = useI18n();
  if (entries.length === 0) return null;
  return (
    <section className="card-block">
      <h3>{t('history.title')}</h3>
      <ol className="history">
        {entries.map((entry, index) => (
          <li key={`${entry.at}-${index}`}>
            <p>{t(`history.${entry.transition && named.has(entry.transition) ? entry.transition : 'other'}`)}{entry.changedByUserId === me ? ` ${t('history.by-you')}` : !entry.changedByUserId ? ` ${t('history.by-system')}` : ''}</p>
            {entry.reason && <p className="history-reason" dir="auto">{coded.has(entry.reason) ? t(`history.reason-${entry.reason}`) : entry.reason}</p>}
            <time dateTime={entry.at}>{dayAndTime(entry.at, language)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
