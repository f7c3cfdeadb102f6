import { useState } from 'preact/hooks';

import type { Session } from '../app';
import { useI18n } from '../i18n/i18n';
import type { Hub } from '../state/hub';
import { Ask } from '../ui/ask';
import { Button } from '../ui/button';

// Leaving takes the person's data off the device; texts that were not sent yet are asked about first.
export function useLogout(session: Session, hub: Hub | null) {
  const { t } = useI18n();
  const [unsent, setUnsent] = useState(0);
  const leave = () => {
    hub?.undo.flush();
    hub?.forget();
    session.logout();
  };
  const logout = () => {
    const count = hub?.outbox.entries.get().length ?? 0;
    if (count > 0) setUnsent(count);
    else leave();
  };
  // Made when it is asked: counting in words (plurals) costs a slow device a tenth of a second the first time.
  const question = unsent > 0 && (
    <Ask title={t('logout.title')} open onClose={() => setUnsent(0)}>
      <p>{t('logout.unsent', { count: unsent })}</p>
      <div className="dialog-buttons">
        <Button className="button" autoFocus onPress={() => setUnsent(0)}>{t('logout.stay')}</Button>
        <Button className="button button-danger" onPress={leave}>{t('logout.leave')}</Button>
      </div>
    </Ask>
  );
  return { logout, question };
}
