import { useState } from 'react';

import { usePart } from '../base/use-part';
import { useI18n } from '../i18n/i18n';
import { Button } from './button';
import { Icon } from './icon';
import type { Settings } from './settings-list';

const load = () => import('./settings-list');

// Language, light or dark, alerts where the page has them, and for a person who is logged in their name and the way out.
export function SettingsMenu(settings: Settings) {
  const { t } = useI18n();
  const [asked, setAsked] = useState(false);
  const part = usePart(load, asked);
  if (part) return <part.SettingsList {...settings} asked={asked} />;
  return <Button className="button button-quiet button-icon" aria-label={t('menu.open')} aria-haspopup="true" aria-expanded={false} data-busy={asked || undefined} onPress={() => setAsked(true)}><Icon name="menu" /></Button>;
}
