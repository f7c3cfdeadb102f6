import { useEffect, useState } from 'preact/hooks';

import { useNow } from '../base/clock';
import { clockTime } from '../base/time';
import { useStore } from '../base/use-store';
import { useI18n } from '../i18n/i18n';
import type { Hub } from '../state/hub';
import { Button } from './button';
import { Icon } from './icon';

// A moment without connection is not worth a word.
const silentFor = 1200;

export function ConnectionBar({ hub }: { hub: Hub }) {
  const phase = useStore(hub.connection.phase, (state) => state);
  const unsent = useStore(hub.outbox.entries, (entries) => entries.length);
  const [shown, setShown] = useState(false);
  const open = phase.kind === 'open';
  useEffect(() => {
    if (open) {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), silentFor);
    return () => clearTimeout(timer);
  }, [open]);
  const { t, language } = useI18n();
  const ends = useStore(hub.sessionEnds, (at) => at);
  const visible = (shown && !open) || phase.kind === 'offline';
  return (
    <div className="connection" role="status" data-phase={phase.kind} data-testid="connection">
      {visible && (
        <div className="connection-bar">
          <Icon name="offline" size={18} />
          <span>
            {phase.kind === 'offline' ? t('connection.offline') : phase.kind === 'ended' ? t('connection.replaced') : t('connection.lost')}
            {unsent > 0 && <> {t('connection.unsent', { count: unsent })}</>}
          </span>
          {phase.kind === 'waiting' && <Retry hub={hub} at={phase.retryAt} />}
          {phase.kind === 'ended' && <Button className="button button-small" onPress={() => hub.connection.start()}>{t('connection.here')}</Button>}
        </div>
      )}
      {ends !== null && (
        <div className="connection-bar" data-testid="session-ends">
          <Icon name="clock" size={18} />
          <span>{t('session.ends', { time: clockTime(ends, language) })}</span>
          <Button className="button button-small" onPress={() => void hub.stayLoggedIn()}>{t('session.stay')}</Button>
        </div>
      )}
    </div>
  );
}

function Retry({ hub, at }: { hub: Hub; at: number }) {
  const { t } = useI18n();
  const seconds = Math.max(0, Math.ceil((at - useNow()) / 1000));
  return (
    <Button className="button button-small" onPress={() => hub.connection.retryNow()}>
      {seconds > 2 ? t('connection.retry-in', { seconds }) : t('connection.retry')}
    </Button>
  );
}
