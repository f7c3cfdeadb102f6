import { useCallback } from 'preact/hooks';

import type { Language } from '../i18n/language';
import type { Hub } from '../state/hub';

// The platform writes to a person in the language of their profile, so choosing one on the page sets it there too.
export function useLanguageChoice(hub: Hub | null) {
  return useCallback((language: Language) => {
    if (!hub) return;
    void (async () => {
      const me = await hub.api.users.getMe({});
      if (me.language === language) return;
      await hub.api.users.changeProfile({ id: me.id, version: me.version, language });
      await hub.reload();
    })().catch(() => undefined);
  }, [hub]);
}
