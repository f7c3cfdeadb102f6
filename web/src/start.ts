// The first script of the page, and a small one: asks the server for what the page needs to begin with, and for the texts, while the
// rest is still on its way. On a slow line each question that waits for another one's answer is what a person feels.
import './design/design.css';

import { askEarly } from './base/early';
import { applyTheme } from './base/theme';
import { loadCatalogue, preferredLanguage } from './i18n/language';

applyTheme();
const language = preferredLanguage();
askEarly(language);
void loadCatalogue(language);
void import('./main');
