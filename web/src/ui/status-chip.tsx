import type { Task } from '../api';
import { useI18n } from '../i18n/i18n';

const tones: Partial<Record<Task['substatus'], string>> = { assigned: 'new', 'on-assignment': 'new', 'in-progress': 'work', solved: 'good', cancelled: 'bad' };

export function StatusChip({ status }: { status: Task['substatus'] }) {
  const { t } = useI18n();
  return <span className="chip" data-tone={tones[status]} data-testid="status">{t(`status.${status}`)}</span>;
}
