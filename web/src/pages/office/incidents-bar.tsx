import { useEffect, useState } from 'preact/hooks';

import type { Session } from '../../app';
import { useI18n } from '../../i18n/i18n';
import { IncidentWatch } from '../../state/incidents';
import { notify, sound } from '../../ui/alerts';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';

// Living as long as the page; null for those who may not see processes.
export function useIncidents(session: Session, onShow: () => void): IncidentWatch | null {
  const { t } = useI18n();
  const [watch, setWatch] = useState<IncidentWatch | null>(null);
  const may = session.person.permissions.includes('processes.read');
  useEffect(() => {
    if (!may) return;
    const made = new IncidentWatch({
      api: session.api,
      onSessionOver: session.onOver,
      onNew: (incidents) => {
        sound('assigned');
        for (const { key, elementId, processId } of incidents.slice(0, 3)) {
          notify({ title: t('office.incident-title'), body: t('office.incident-told', { element: elementId, process: processId }), tag: `incident-${key}`, onPress: onShow });
        }
      },
    });
    const lookWhenVisible = () => {
      if (document.visibilityState === 'visible') void made.look();
    };
    document.addEventListener('visibilitychange', lookWhenVisible);
    made.start();
    setWatch(made);
    return () => {
      document.removeEventListener('visibilitychange', lookWhenVisible);
      made.stop();
    };
  }, [session, may, t, onShow]);
  return watch;
}

// Over the other parts of the office.
export function IncidentsBar({ count, onShow }: { count: number; onShow: () => void }) {
  const { t } = useI18n();
  return (
    <div role="status" className="calls">
      {count > 0 && (
        <div className="notice notice-danger" data-testid="stuck">
          <Icon name="alert" />
          <p>{t('office.stuck', { count })}</p>
          <Button className="button button-small" onPress={onShow}>{t('office.stuck-show')}</Button>
        </div>
      )}
    </div>
  );
}
