import { createStore } from './store';
import { forget, recall, remember } from './device';

export type Theme = 'system' | 'light' | 'dark';

const isTheme = (text: string | null): text is Theme => text === 'light' || text === 'dark';
const stored = recall('theme');
export const theme = createStore<Theme>(isTheme(stored) ? stored : 'system');

export function applyTheme() {
  const chosen = theme.get();
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}

export function setTheme(chosen: Theme) {
  if (chosen === 'system') forget('theme');
  else remember('theme', chosen);
  theme.update(() => chosen);
  applyTheme();
}
