import { recall } from '../base/device';

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];
export type Catalogue = Record<string, string>;

const loaders: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import('virtual:catalogue/en'),
  ru: () => import('virtual:catalogue/ru'),
};

const processLoaders: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import('virtual:process-catalogue/en'),
  ru: () => import('virtual:process-catalogue/ru'),
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

export const loadCatalogue = async (language: Language): Promise<Catalogue> => (await loaders[language]()).default;
// The texts of the pages of processes, which few people see.
export const loadProcessCatalogue = async (language: Language): Promise<Catalogue> => (await processLoaders[language]()).default;
