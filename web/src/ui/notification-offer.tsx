import { useState } from 'preact/hooks';

import { recall, remember } from '../base/device';
import { useStore } from '../base/use-store';
import { useI18n } from '../i18n/i18n';
import { alertsOn, canAsk, switchAlerts } from './alerts';
import { Button } from './button';
import { Icon } from './icon';

// Asks once whether the browser may tell of news; `text` says of which.
export function NotificationOffer({ title, text }: { title: string; text: string }) {
  const { t } = useI18n();
  const on = useStore(alertsOn, (state) => state);
  const [offered, setOffered] = useState(() => canAsk() && recall('alerts') !== 'later');
  if (!offered || !on) return null;
  const answer = (run: () => void) => () => {
    run();
    setOffered(false);
  };
  return (
    <section className="offer" aria-label={title}>
      <Icon name="bell" />
      <span>{text}</span>
      <div className="offer-buttons">
        <Button className="button button-small" onPress={answer(() => switchAlerts(true))}>{t('alert.allow')}</Button>
        <Button className="button button-small button-quiet" onPress={answer(() => remember('alerts', 'later'))}>{t('alert.later')}</Button>
      </div>
    </section>
  );
}
