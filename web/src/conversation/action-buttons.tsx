import { useState } from 'preact/hooks';

import type { Post } from '../api';
import { useI18n } from '../i18n/i18n';
import type { Hub } from '../state/hub';
import { Button } from '../ui/button';
import { Field } from '../ui/field';
import { Icon, type IconName } from '../ui/icon';
import { ProblemNotice } from '../ui/problem-notice';

const icons: Record<string, IconName> = { yes: 'thumbUp', partially: 'half', no: 'thumbDown' };
const longestWords = 2000;

// The buttons of a post. One press answers; where the chosen one takes words, they can be added after.
export function ActionButtons({ hub, post }: { hub: Hub; post: Post }) {
  const { t } = useI18n();
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [words, setWords] = useState('');
  const [sent, setSent] = useState(false);
  const chosen = post.actions.find((action) => action.chosen);

  const press = async (actionId: string, text?: string) => {
    if (busy) return;
    setBusy(actionId);
    setError(null);
    try {
      await hub.press(post, actionId, text);
      setSent(text !== undefined);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(null);
    }
  };
  const addWords = (event: Event) => {
    event.preventDefault();
    if (chosen && words.trim() !== '') void press(chosen.id, words.trim());
  };

  return (
    <div className="actions">
      <div className="actions-row" role="group" aria-label={t('actions.choices')}>
        {post.actions.map((action) => (
          <Button key={action.id} className={`button action ${action.chosen ? 'action-chosen' : ''}`} data-action={action.id} aria-pressed={action.chosen} data-busy={(busy === action.id) || undefined} onPress={() => void press(action.id)}>
            {icons[action.id] && <Icon name={icons[action.id] as IconName} size={18} />}{action.label}
          </Button>
        ))}
      </div>
      {error !== null && <ProblemNotice error={error} />}
      {chosen && <p className="actions-thanks" role="status"><Icon name="done" size={18} />{t(sent ? 'actions.words-sent' : 'actions.thanks')}</p>}
      {chosen?.takesText && !sent && (
        <form onSubmit={addWords} className="actions-words">
          <Field label={t('actions.words')} value={words} onChange={setWords} rows={2} longest={longestWords} />
          <Button type="submit" className="button button-small" isDisabled={words.trim() === ''} data-busy={(busy !== null) || undefined}>{t('actions.send-words')}</Button>
        </form>
      )}
    </div>
  );
}
