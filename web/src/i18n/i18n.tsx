import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';

import { remember } from '../base/device';
import { loadCatalogue, type Catalogue, type Language } from './language';
import { Message, type Parameters } from './message';

export type Translate = (key: string, parameters?: Parameters) => string;

export function createTranslate(language: Language, catalogue: Catalogue): Translate {
  const parsed = new Map<string, Message>();
  return (key, parameters = {}) => {
    let message = parsed.get(key);
    if (!message) {
      message = new Message(catalogue[key] ?? key);
      parsed.set(key, message);
    }
    return message.format(language, parameters);
  };
}

export interface I18n {
  language: Language;
  t: Translate;
  setLanguage(language: Language): void;
}

export const I18nContext = createContext<I18n | null>(null);

export function I18nProvider({ initial, catalogue, children }: { initial: Language; catalogue: Catalogue; children: ComponentChildren }) {
  const [current, setCurrent] = useState({ language: initial, catalogue });
  const value = useMemo<I18n>(() => ({
    language: current.language,
    t: createTranslate(current.language, current.catalogue),
    setLanguage(language) {
      remember('language', language);
      void loadCatalogue(language).then((loaded) => setCurrent({ language, catalogue: loaded }));
    },
  }), [current]);
  useEffect(() => {
    document.documentElement.lang = current.language;
  }, [current.language]);
  return <I18nContext.Provider value={value}>{children}</I18nContext.Provider>;
}

export function useI18n(): I18n {
  const value = useContext(I18nContext);
  if (!value) throw new Error('I18nProvider is missing');
  return value;
}
