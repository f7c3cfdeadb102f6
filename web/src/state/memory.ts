// The device's memory of the conversations: on screen at once when the page opens, before any connection.
import type { Box } from '../base/device';
import { empty, type Conversations } from './model';

// Kept a channel; the rest is read from the server when the person scrolls up.
export const keptPosts = 80;
export const keptChannels = 30;
const key = 'conversations';
const format = 1;

export function forgetful(state: Conversations): Conversations {
  const newestFirst = Object.keys(state.channels).sort((left, right) => newestAt(state, right).localeCompare(newestAt(state, left)));
  const kept = newestFirst.slice(0, keptChannels);
  return {
    ...state,
    channels: pick(state.channels, kept),
    posts: Object.fromEntries(kept.map((id) => [id, (state.posts[id] ?? []).slice(-keptPosts)])),
    older: {},
    typing: {},
    fresh: false,
  };
}

export function save(box: Box, state: Conversations): boolean {
  return box.set(key, JSON.stringify({ format, state: forgetful(state) }));
}

export function restore(box: Box): Conversations {
  const text = box.get(key);
  if (text === null) return empty;
  try {
    const stored = JSON.parse(text) as { format?: number; state?: Conversations };
    if (stored.format !== format || !stored.state) return empty;
    return { ...empty, ...stored.state, typing: {}, older: {}, fresh: false };
  } catch {
    return empty;
  }
}

const newestAt = (state: Conversations, channelId: string) => state.posts[channelId]?.at(-1)?.at ?? '';

const pick = <Value>(record: Readonly<Record<string, Value>>, keys: readonly string[]): Record<string, Value> =>
  Object.fromEntries(keys.flatMap((each) => { const value = record[each]; return value === undefined ? [] : [[each, value] as const]; }));
