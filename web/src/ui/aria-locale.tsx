import type { ReactNode } from 'react';
import { I18nProvider } from 'react-aria-components';

import { useI18n } from '../i18n/i18n';

// The component library speaks the language of the page.
export function AriaLocale({ children }: { children: ReactNode }) {
  const { language } = useI18n();
  return <I18nProvider locale={language === 'ru' ? 'ru-RU' : 'en-US'}>{children}</I18nProvider>;
}
