import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { createTranslate, I18nContext, useI18n } from '../../../i18n/i18n';
import { loadProcessCatalogue, type Catalogue, type Language } from '../../../i18n/language';

// The texts of these pages come with them, so that nobody else loads them.
export function ProcessTexts({ children }: { children: ComponentChildren }) {
  const outer = useI18n();
  const { language } = outer;
  const [loaded, setLoaded] = useState<{ language: Language; catalogue: Catalogue } | null>(null);
  useEffect(() => {
    let current = true;
    void loadProcessCatalogue(language).then((catalogue) => current && setLoaded({ language, catalogue }));
    return () => {
      current = false;
    };
  }, [language]);
  const value = useMemo(() => {
    if (!loaded) return null;
    const own = createTranslate(loaded.language, loaded.catalogue);
    return { ...outer, t: (key: string, parameters = {}) => (key.startsWith('processes.') ? own(key, parameters) : outer.t(key, parameters)) };
  }, [outer, loaded]);
  return value && <I18nContext.Provider value={value}>{children}</I18nContext.Provider>;
}
