import { useEffect } from 'preact/hooks';

import type { Post } from '../api';
import type { Translate } from '../i18n/i18n';
import { allowSound, notify, sound } from '../ui/alerts';

// Sound is allowed to pages that were touched. Buttons keep their presses to themselves, so this listens before them.
export function useSound() {
  useEffect(() => {
    for (const name of ['pointerdown', 'keydown']) addEventListener(name, allowSound, true);
    return () => {
      for (const name of ['pointerdown', 'keydown']) removeEventListener(name, allowSound, true);
    };
  }, []);
}

export function tellOfPost(t: Translate, post: Post, onPress: () => void) {
  if (document.visibilityState === 'visible') return;
  sound('message');
  notify({ title: 'Consilium', body: t('alert.post', { name: post.authorName }), tag: post.channelId, onPress });
}
