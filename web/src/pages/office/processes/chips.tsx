import type { Instance } from '../../../api';
import { useI18n } from '../../../i18n/i18n';

const tones = { active: 'work', completed: 'good', terminated: 'bad' } as const;

export function InstanceState({ instance }: { instance: Pick<Instance, 'state' | 'hasIncident'> }) {
  const { t } = useI18n();
  return (
    <span className="row">
      <span className="chip" data-tone={tones[instance.state]} data-testid="instance-state" data-state={instance.state}>{t(`processes.state-${instance.state}`)}</span>
      {instance.hasIncident && <span className="chip" data-tone="bad" data-testid="has-incident">{t('processes.incident')}</span>}
    </span>
  );
}
