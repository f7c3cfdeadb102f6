import { useEffect, useState } from 'preact/hooks';

import type { PresenceStatus } from '../../api';
import { useStore } from '../../base/use-store';
import { useI18n } from '../../i18n/i18n';
import type { Hub } from '../../state/hub';
import { Icon } from '../../ui/icon';
import { Menu, type MenuEntry } from '../../ui/menu';

const choices: PresenceStatus[] = ['online', 'dnd', 'away', 'ooo'];

export function usePresence(hub: Hub) {
  const [status, setStatus] = useState<PresenceStatus | null>(null);
  const open = useStore(hub.connection.phase, (phase) => phase.kind === 'open');
  useEffect(() => {
    if (!open) return;
    hub.api.chat.getPresence({}).then((reply) => setStatus(reply.status), () => undefined);
  }, [hub, open]);
  const choose = (wanted: PresenceStatus) => {
    const before = status;
    setStatus(wanted);
    hub.api.chat.setPresence({ status: wanted }).then((reply) => setStatus(reply.status), (error: unknown) => {
      setStatus(before);
      hub.trouble.update(() => error);
    });
  };
  return { status, connected: open, onChoose: choose };
}

// Without a connection nothing new comes, whatever was chosen, and the button says so.
export function PresenceMenu({ status, connected, onChoose }: ReturnType<typeof usePresence>) {
  const { t } = useI18n();
  const shown = connected ? (status ?? 'offline') : 'cut-off';
  const entries = choices.map((each): MenuEntry => ({
    id: each,
    view: (
      <>
        <span className="presence-dot" data-presence={each} />
        <span className="menu-words"><span>{t(`presence.${each}`)}</span><small>{t(`presence.${each}-hint`)}</small></span>
        <span className="menu-check"><Icon name="check" size={18} /></span>
      </>
    ),
    isChosen: each === status,
    onPick: () => onChoose(each),
  }));
  return (
    <Menu className="button button-small presence-button" aria-label={t('presence.label', { status: t(`presence.${shown}`) })} data-testid="presence" title={t('presence.title')} groups={[{ entries }]}>
      <span className="presence-dot" data-presence={shown} />{t(`presence.${shown}`)}<Icon name="down" size={16} />
    </Menu>
  );
}
