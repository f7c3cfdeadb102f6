import { render } from 'preact';

import { App } from './app';
import { I18nProvider } from './i18n/i18n';
import { loadCatalogue, preferredLanguage } from './i18n/language';
import { keepShell } from './offline/keep-shell';

keepShell();

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
const language = preferredLanguage();
void loadCatalogue(language).then((catalogue) => {
  render(<I18nProvider initial={language} catalogue={catalogue}><App /></I18nProvider>, root);
});
