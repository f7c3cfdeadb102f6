import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { useI18n } from '../i18n/i18n';
import { longestText, readDraft, writeDraft } from '../state/drafts';
import type { Hub } from '../state/hub';
import { Button } from '../ui/button';
import { Icon } from '../ui/icon';

// From here on the count of what is left is shown.
const countFrom = longestText - 300;
const tallest = 168;

export const composerId = (channelId: string | undefined) => `write-${channelId ?? ''}`;

// Where one writes. What is being written survives a reload; what was sent is on the device before it is on its way.
export function Composer({ hub, channelId, autoFocus = false }: { hub: Hub; channelId: string; autoFocus?: boolean }) {
  const { t } = useI18n();
  const [text, setText] = useState(() => readDraft(hub.box, channelId));
  const area = useRef<HTMLTextAreaElement>(null);
  const length = [...text].length;
  const sendable = text.trim() !== '' && length <= longestText;

  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight + 2, tallest)}px`;
  }, [text]);
  // Of several that are opened at once one is focused; later the person moves the focus.
  const [focusFirst] = useState(autoFocus);
  useEffect(() => {
    if (focusFirst && matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, [focusFirst]);

  const change = (next: string) => {
    setText(next);
    writeDraft(hub.box, channelId, next);
    if (next.trim() !== '') hub.typing(channelId);
  };
  const send = () => {
    if (!sendable) return;
    hub.post(channelId, text.trim());
    change('');
    area.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    if (matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    send();
  };

  return (
    <form className="composer" onSubmit={(event: Event) => { event.preventDefault(); send(); }}>
      <div className="composer-box">
        <textarea ref={area} id={composerId(channelId)} className="composer-text" rows={1} value={text} placeholder={t('composer.placeholder')} aria-label={t('composer.label')} enterkeyhint="send"
          aria-describedby={`left-${channelId}`} data-testid="composer" onInput={(event) => change(event.currentTarget.value)} onKeyDown={onKey} />
        <Button type="submit" className="button button-primary button-icon composer-send" aria-label={t('composer.send')} isDisabled={!sendable}><Icon name="send" /></Button>
      </div>
      <p id={`left-${channelId}`} className="composer-left" data-over={length > longestText} role={length > longestText ? 'alert' : undefined}>
        {length >= countFrom && (length > longestText ? t('composer.over', { count: length - longestText }) : t('composer.left', { count: longestText - length }))}
      </p>
    </form>
  );
}
