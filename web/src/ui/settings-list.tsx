import { useEffect, useRef, useState } from 'react';
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components';

import { go } from '../base/router';
import { setTheme, theme, type Theme } from '../base/theme';
import { useStore } from '../base/use-store';
import { useI18n } from '../i18n/i18n';
import { languages, type Language } from '../i18n/language';
import { alertsOn, switchAlerts } from './alerts';
import { AriaLocale } from './aria-locale';
import { Icon, type IconName } from './icon';

const themes: { id: Theme; icon: IconName }[] = [
  { id: 'system', icon: 'screen' },
  { id: 'light', icon: 'sun' },
  { id: 'dark', icon: 'moon' },
];

export interface Settings {
  name?: string;
  alerts?: boolean;
  onLanguage?: (language: Language) => void;
  onLogout?: () => void;
}

// The menu itself. `asked`: its button was pressed, and had the focus, before the menu was there.
export function SettingsList({ name, alerts = false, onLanguage, onLogout, asked }: Settings & { asked: boolean }) {
  const { t, language, setLanguage } = useI18n();
  const loud = useStore(alertsOn, (state) => state);
  const chosen = useStore(theme, (state) => state);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!asked) return;
    button.current?.focus();
    setOpen(true);
  }, [asked]);
  return (
    <AriaLocale>
      <MenuTrigger isOpen={open} onOpenChange={setOpen}>
        <Button ref={button} className="button button-quiet button-icon" aria-label={t('menu.open')}><Icon name="menu" /></Button>
        <Popover className="popover" placement="bottom end">
          <Menu className="menu" aria-label={t('menu.open')}>
            <MenuSection selectionMode="single" disallowEmptySelection selectedKeys={[language]}
              onSelectionChange={(keys) => {
                const picked = [...keys][0] as Language;
                setLanguage(picked);
                onLanguage?.(picked);
              }}>
              <Header className="menu-header">{t('menu.language')}</Header>
              {languages.map((each) => (
                <MenuItem key={each} id={each} className="menu-item" textValue={t(`language.${each}`)}>
                  <Icon name="globe" /><span lang={each}>{t(`language.${each}`)}</span><span className="menu-check"><Icon name="check" size={18} /></span>
                </MenuItem>
              ))}
            </MenuSection>
            <Separator className="menu-line" />
            <MenuSection selectionMode="single" disallowEmptySelection selectedKeys={[chosen]} onSelectionChange={(keys) => setTheme([...keys][0] as Theme)}>
              <Header className="menu-header">{t('menu.theme')}</Header>
              {themes.map((each) => (
                <MenuItem key={each.id} id={each.id} className="menu-item" textValue={t(`theme.${each.id}`)}>
                  <Icon name={each.icon} /><span>{t(`theme.${each.id}`)}</span><span className="menu-check"><Icon name="check" size={18} /></span>
                </MenuItem>
              ))}
            </MenuSection>
            {onLogout && <Separator className="menu-line" />}
            {onLogout && (
              <MenuSection>
                <Header className="menu-header">{name}</Header>
                {alerts && <MenuItem id="alerts" className="menu-item" onAction={() => switchAlerts(!loud)} textValue={t(loud ? 'menu.alerts-off' : 'menu.alerts-on')}><Icon name={loud ? 'bell-off' : 'bell'} /><span>{t(loud ? 'menu.alerts-off' : 'menu.alerts-on')}</span></MenuItem>}
                <MenuItem id="account" className="menu-item" onAction={() => go('/account')} textValue={t('menu.account')}><Icon name="user" /><span>{t('menu.account')}</span></MenuItem>
                <MenuItem id="logout" className="menu-item" onAction={onLogout} textValue={t('menu.logout')}><Icon name="exit" /><span>{t('menu.logout')}</span></MenuItem>
              </MenuSection>
            )}
          </Menu>
        </Popover>
      </MenuTrigger>
    </AriaLocale>
  );
}
