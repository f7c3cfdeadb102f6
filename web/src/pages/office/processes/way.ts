import type { ElementRecord } from '../../../api';

// The steps of an instance from the newest on, without a hole; below `cursor` there are more.
export interface Way {
  items: readonly ElementRecord[];
  cursor: string | null;
}

// The newest steps were read again. What is known of older ones stays, unless steps in between are not known or one of them has gone on.
export function withNewest(known: Way, newest: Way, isActive: (elementInstance: string) => boolean): Way {
  const last = newest.items.at(-1)?.elementInstanceKey;
  const at = known.items.findIndex((record) => record.elementInstanceKey === last);
  if (newest.cursor === null || at < 0) return newest;
  const older = known.items.slice(at + 1);
  if (older.some((record) => record.state === 'active' && !isActive(record.elementInstanceKey))) return newest;
  return { items: [...newest.items, ...older], cursor: known.cursor };
}

// The page that begins at `cursor`, unless the way has become another one meanwhile.
export function withOlder(known: Way, cursor: string, page: { items: readonly ElementRecord[]; nextCursor?: string | null }): Way {
  return known.cursor === cursor ? { items: [...known.items, ...page.items], cursor: page.nextCursor ?? null } : known;
}
