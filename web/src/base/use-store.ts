import { useCallback, useRef } from 'preact/hooks';

import type { Store } from './store';
import { useExternal } from './use-external';

// Renders again when the selected part is another value; `select` may build one that is equal by `same`.
export function useStore<State, Part>(
  store: Store<State>,
  select: (state: State) => Part,
  same: (left: Part, right: Part) => boolean = Object.is,
): Part {
  const last = useRef<{ part: Part } | null>(null);
  const snapshot = useCallback(() => {
    const part = select(store.get());
    if (last.current && same(last.current.part, part)) return last.current.part;
    last.current = { part };
    return part;
  }, [store, select, same]);
  return useExternal(store.subscribe, snapshot);
}
