import { go } from '../base/router';
import { setTheme, theme, type Theme } from '../base/theme';
import { useStore } from '../base/use-store';
import { useI18n } from '../i18n/i18n';
import { languages, type Language } from '../i18n/language';
import { alertsOn, switchAlerts } from './alerts';
import { Icon, type IconName } from './icon';
import { Menu, type MenuEntry } from './menu';

const themes: { id: Theme; icon: IconName }[] = [
  { id: 'system', icon: 'screen' },
  { id: 'light', icon: 'sun' },
  { id: 'dark', icon: 'moon' },
];

interface Settings {
  name?: string;
  alerts?: boolean;
  onLanguage?: (language: Language) => void;
  onLogout?: () => void;
}

const Check = () => <span className="menu-check"><Icon name="check" size={18} /></span>;

// Language, light or dark, alerts where the page has them, and for a person who is logged in their name and the way out.
export function SettingsMenu({ name, alerts = false, onLanguage, onLogout }: Settings) {
  const { t, language, setLanguage } = useI18n();
  const loud = useStore(alertsOn, (state) => state);
  const chosen = useStore(theme, (state) => state);
  const action = (id: string, text: string, icon: IconName, onPick: () => void): MenuEntry => ({ id, view: <><Icon name={icon} /><span>{text}</span></>, onPick });
  const spoken = languages.map((each): MenuEntry => {
    const onPick = () => {
      setLanguage(each);
      onLanguage?.(each);
    };
    return { id: each, view: <><Icon name="globe" /><span lang={each}>{t(`language.${each}`)}</span><Check /></>, isChosen: each === language, onPick };
  });
  const looks = themes.map(({ id, icon }): MenuEntry => (
    { id, view: <><Icon name={icon} /><span>{t(`theme.${id}`)}</span><Check /></>, isChosen: id === chosen, onPick: () => setTheme(id) }
  ));
  const own = onLogout && [
    ...(alerts ? [action('alerts', t(loud ? 'menu.alerts-off' : 'menu.alerts-on'), loud ? 'bell-off' : 'bell', () => switchAlerts(!loud))] : []),
    action('account', t('menu.account'), 'user', () => go('/account')),
    action('logout', t('menu.logout'), 'exit', onLogout),
  ];
  return (
    <Menu className="button button-quiet button-icon" aria-label={t('menu.open')} title={t('menu.open')}
      groups={[{ title: t('menu.language'), entries: spoken }, { title: t('menu.theme'), entries: looks }, ...(own ? [{ title: name, entries: own }] : [])]}>
      <Icon name="menu" />
    </Menu>
  );
}
