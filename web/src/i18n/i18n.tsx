import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';

import { recall, remember } from '../base/device';
import { Message, type Parameters } from './message';

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];
export type Translate = (key: string, parameters?: Parameters) => string;

type Catalogue = Record<string, string>;

const loaders: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import('virtual:catalogue/en'),
  ru: () => import('virtual:catalogue/ru'),
};

export const isLanguage = (text: string): text is Language => (languages as readonly string[]).includes(text);

export function preferredLanguage(wanted: readonly string[] = navigator.languages): Language {
  const stored = recall('language');
  if (stored && isLanguage(stored)) return stored;
  for (const tag of wanted) {
    const primary = tag.split('-')[0]?.toLowerCase() ?? '';
    if (isLanguage(primary)) return primary;
  }
  return 'en';
}

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

const I18nContext = createContext<I18n | null>(null);

export function I18nProvider({ initial, catalogue, children }: { initial: Language; catalogue: Catalogue; children: ReactNode }) {
  const [current, setCurrent] = useState({ language: initial, catalogue });
  const value = useMemo<I18n>(() => ({
    language: current.language,
    t: createTranslate(current.language, current.catalogue),
    setLanguage(language) {
      remember('language', language);
      void loaders[language]().then((module) => setCurrent({ language, catalogue: module.default }));
    },
  }), [current]);
  useEffect(() => {
    document.documentElement.lang = current.language;
  }, [current.language]);
  return <I18nContext.Provider value={value}>{children}</I18nContext.Provider>;
}

export const loadCatalogue = async (language: Language): Promise<Catalogue> => (await loaders[language]()).default;

export function useI18n(): I18n {
  const value = useContext(I18nContext);
  if (!value) throw new Error('I18nProvider is missing');
  return value;
}
