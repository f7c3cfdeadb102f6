// Asks the server for what the page needs to begin with, and for the texts, before anything else is done: on a slow line each question
// that waits for another one's answer is what a person feels. The page itself has begun with them already (index.html).
import './design/design.css';

import { render } from 'preact';

import { App } from './app';
import { askEarly } from './base/early';
import { applyTheme } from './base/theme';
import { I18nProvider } from './i18n/i18n';
import { loadCatalogue, preferredLanguage } from './i18n/language';
import { keepShell } from './offline/keep-shell';

const language = preferredLanguage();
const answers = askEarly(language);
applyTheme();
keepShell();

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
void Promise.all([loadCatalogue(language), answers]).then(([catalogue]) => {
  render(<I18nProvider initial={language} catalogue={catalogue}><App /></I18nProvider>, root);
});
