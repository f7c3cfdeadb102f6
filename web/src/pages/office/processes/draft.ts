import { personBox, tab, type Box } from '../../../base/device';

export interface Drawing {
  name: string;
  xml: string;
}

export interface Draft {
  read(): Drawing | null;
  keep(drawing: Drawing): void;
  drop(): void;
}

// What a person has drawn and not deployed, kept in this tab: neither a session that ends by itself nor a page that is loaded anew loses
// it. `modelKey`: the model that it changes; null: a new one.
export function draftOf(personId: string, modelKey: string | null, kept: Box = tab): Draft {
  const box = personBox(kept, personId);
  const key = `drawing:${modelKey ?? 'new'}`;
  return {
    read() {
      try {
        const kept = JSON.parse(box.get(key) ?? 'null') as Partial<Drawing> | null;
        return typeof kept?.name === 'string' && typeof kept.xml === 'string' ? { name: kept.name, xml: kept.xml } : null;
      } catch {
        return null;
      }
    },
    // An older one is none, when there is no room for this.
    keep: (drawing) => box.set(key, JSON.stringify(drawing)) || box.remove(key),
    drop: () => box.remove(key),
  };
}
