import { describe, expect, test } from 'vitest';

import type { Channel, Post } from '../api';
import { browserBox, clearBox, memoryBox, personBox } from '../base/device';
import { readDraft, writeDraft } from './drafts';
import { keptChannels, keptPosts, restore, save } from './memory';
import { empty, type Conversations } from './model';

const post = (channelId: string, number: number): Post => ({
  id: `p${number}`, channelId, authorKind: 'user', authorName: '', text: `${number}`, at: new Date(number * 1000).toISOString(), ephemeral: false, actions: [],
});
const channel = (id: string): Channel => ({ id, kind: 'common', displayName: id, members: [], unreadCount: 0, createdAt: '' });

test('what was known is there again, but not as fresh', () => {
  const box = memoryBox();
  const state: Conversations = { ...empty, seq: 12, channels: { c: channel('c') }, posts: { c: [post('c', 1)] }, older: { c: 'x' }, typing: { c: { a: 1 } }, fresh: true };
  expect(save(box, state)).toBe(true);
  expect(restore(box)).toEqual({ ...state, older: {}, typing: {}, fresh: false });
});

test('nothing, broken or foreign memory is an empty one', () => {
  const box = memoryBox();
  expect(restore(box)).toEqual(empty);
  for (const text of ['{', '{"format":99,"state":{}}', '{"format":1}']) {
    box.set('conversations', text);
    expect(restore(box)).toEqual(empty);
  }
});

test('the memory is bounded: the newest posts of the channels that were last written in', () => {
  const channels = Array.from({ length: keptChannels + 5 }, (_, index) => `c${index}`);
  const state: Conversations = {
    ...empty,
    channels: Object.fromEntries(channels.map((id) => [id, channel(id)])),
    posts: Object.fromEntries(channels.map((id, index) => [id, Array.from({ length: index === 7 ? keptPosts + 1 : 1 }, (_, number) => post(id, index * 1000 + number))])),
  };
  const box = memoryBox();
  save(box, state);
  const kept = restore(box);
  expect(Object.keys(kept.channels)).toHaveLength(keptChannels);
  expect(kept.channels['c0']).toBeUndefined();
  expect(kept.posts['c7']).toHaveLength(keptPosts);
  expect(kept.posts['c7']?.at(-1)?.id).toBe(`p${7000 + keptPosts}`);
});

describe('drafts', () => {
  test('one a conversation, gone when it is empty', () => {
    const box = memoryBox();
    writeDraft(box, 'a', 'one ');
    writeDraft(box, 'b', 'two');
    expect([readDraft(box, 'a'), readDraft(box, 'b'), readDraft(box, 'c')]).toEqual(['one ', 'two', '']);
    writeDraft(box, 'a', '  ');
    expect(box.keys()).toEqual(['draft:b']);
  });
});

describe('the device', () => {
  test('people do not see each other, and leaving takes all of one', () => {
    const box = memoryBox();
    const anna = personBox(box, 'anna');
    const boris = personBox(box, 'boris');
    anna.set('draft:c', 'a');
    boris.set('draft:c', 'b');
    expect(anna.keys()).toEqual(['draft:c']);
    clearBox(anna);
    expect([anna.get('draft:c'), boris.get('draft:c')]).toEqual([null, 'b']);
  });

  test('a browser that refuses storage is no error', () => {
    const box = browserBox(() => {
      throw new Error('storage is off');
    });
    expect(box.set('a', 'b')).toBe(false);
    expect([box.get('a'), box.keys()]).toEqual([null, []]);
    expect(() => box.remove('a')).not.toThrow();
  });
});
