// What this browser keeps. Every key of ours starts with `consilium:`; a person's keys continue with their id, so that
// two people who share a device never see each other's texts, and logging out takes all of a person's away.
const root = 'consilium:';

export interface Box {
  get(key: string): string | null;
  // False when the browser refuses (full, or storage is off).
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(): string[];
}

export function browserBox(storage: () => Storage = () => localStorage): Box {
  return {
    get(key) {
      try {
        return storage().getItem(root + key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        storage().setItem(root + key, value);
        return true;
      } catch {
        return false;
      }
    },
    remove(key) {
      try {
        storage().removeItem(root + key);
      } catch {
        // Nothing is stored where storage is off.
      }
    },
    keys() {
      try {
        const all = storage();
        const found: string[] = [];
        for (let index = 0; index < all.length; index += 1) {
          const key = all.key(index);
          if (key?.startsWith(root)) found.push(key.slice(root.length));
        }
        return found.sort();
      } catch {
        return [];
      }
    },
  };
}

export function memoryBox(): Box {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => (values.set(key, value), true),
    remove: (key) => void values.delete(key),
    keys: () => [...values.keys()].sort(),
  };
}

// The part of the box that is one person's.
export function personBox(box: Box, userId: string): Box {
  const prefix = `person:${userId}:`;
  return {
    get: (key) => box.get(prefix + key),
    set: (key, value) => box.set(prefix + key, value),
    remove: (key) => box.remove(prefix + key),
    keys: () => box.keys().filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
  };
}

export function clearBox(box: Box) {
  for (const key of box.keys()) box.remove(key);
}

// What a tab keeps for as long as it is open.
export const tab = typeof sessionStorage === 'undefined' ? memoryBox() : browserBox(() => sessionStorage);

// Leaves this person's part alone.
export function clearOthers(box: Box, userId: string) {
  for (const key of box.keys()) if (key.startsWith('person:') && !key.startsWith(`person:${userId}:`)) box.remove(key);
}

const settings = typeof localStorage === 'undefined' ? memoryBox() : browserBox();

// Settings of the device, not of a person: language, light or dark.
export const recall = (name: string) => settings.get(`setting:${name}`);
export const remember = (name: string, value: string) => void settings.set(`setting:${name}`, value);
export const forget = (name: string) => settings.remove(`setting:${name}`);
