import { describe, expect, test } from 'vitest';

import type { Channel, Post, Task, ServerMessage } from '../api';
import {
  addNewestPage, addOlderPage, addPosts, currentTask, empty, endOfCase, isRead, markRead, putChannels, putTasks, receive, typingShown, typists, unread, unreadOfPeople,
  type Conversations,
} from './model';

const me = 'me';
const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 12, 0, second)).toISOString();

const post = (number: number, more: Partial<Post> = {}): Post => ({
  id: `p${String(number).padStart(3, '0')}`, channelId: 'c', authorKind: 'user', authorId: 'other', authorName: 'Other', text: `text ${number}`,
  at: at(number), ephemeral: false, actions: [], ...more,
});

const channel = (more: Partial<Channel> = {}): Channel => ({
  id: 'c', kind: 'common', displayName: 'c', unreadCount: 4, createdAt: at(0),
  members: [
    { userId: me, displayName: 'Me', kind: 'client', access: 'write', presence: 'online' },
    { userId: 'other', displayName: 'Other', kind: 'consultant', access: 'write', presence: 'online' },
  ],
  ...more,
});

const task = (more: Partial<Task> = {}): Task => ({
  id: 't', number: 'MOI-000001', type: { type: 'client', subtype: 'common-request' }, status: 'open', substatus: 'on-assignment',
  reporter: { userId: me, displayName: 'Me', at: at(0) }, assignee: { group: 'consultant', at: at(0) }, channelId: 'c', title: '', description: '',
  createdAt: at(0), updatedAt: at(0), version: 1, ...more,
});

// Also what a later server may say.
const event = (type: string, data: unknown, seq?: number) => ({ type, at: at(0), data, ...(seq === undefined ? {} : { seq }) }) as ServerMessage;

function after(state: Conversations, ...events: ServerMessage[]): Conversations {
  return events.reduce((current, each) => {
    const outcome = receive(current, each, me, 1000);
    return outcome.kind === 'applied' ? outcome.state : current;
  }, state);
}

const ids = (state: Conversations) => (state.posts['c'] ?? []).map((each) => each.id);

describe('order and repeats', () => {
  test('posts are ordered by time, whichever way they came', () => {
    expect(ids(addPosts(empty, 'c', [post(3), post(1), post(2)]))).toEqual(['p001', 'p002', 'p003']);
  });

  test('posts of one moment are ordered by id', () => {
    expect(ids(addPosts(empty, 'c', [post(2, { at: at(1) }), post(1, { at: at(1) })]))).toEqual(['p001', 'p002']);
  });

  test('a post is there once, in its newest form', () => {
    const state = addPosts(addPosts(empty, 'c', [post(1)]), 'c', [post(1, { text: 'new' })]);
    expect(state.posts['c']?.map((each) => each.text)).toEqual(['new']);
  });

  test('an event is applied once', () => {
    const state = after({ ...empty, seq: 4 }, event('post.created', post(1), 5));
    expect(state.seq).toBe(5);
    expect(receive(state, event('post.created', post(2), 5), me, 0)).toEqual({ kind: 'duplicate' });
    expect(receive(state, event('post.created', post(2), 4), me, 0)).toEqual({ kind: 'duplicate' });
  });

  test('a gap is told, and nothing is applied', () => {
    expect(receive({ ...empty, seq: 4 }, event('post.created', post(1), 6), me, 0)).toEqual({ kind: 'gap' });
  });

  test('any split of the events between HTTP and socket gives the same posts', () => {
    const all = [1, 2, 3, 4, 5].map((number) => post(number));
    const expected = ids(addPosts(empty, 'c', all));
    for (let mask = 0; mask < 32; mask += 1) {
      const page = all.filter((_, index) => mask & (1 << index));
      let state: Conversations = { ...empty, seq: 0 };
      state = after(state, ...all.slice(0, 2).map((each, index) => event('post.created', each, index + 1)));
      state = addPosts(state, 'c', page);
      state = after(state, ...all.slice(2).map((each, index) => event('post.created', each, index + 3)));
      expect(ids(state)).toEqual(expected);
    }
  });

  test('signals without number are applied and move no number', () => {
    const state = after({ ...putChannels(empty, [channel()]), seq: 7 }, event('typing', { channelId: 'c', userId: 'other' }));
    expect(state.seq).toBe(7);
    expect(typists(state, 'c', 1000)).toEqual(['Other']);
  });
});

describe('pages', () => {
  test('what the device remembers is kept when it meets the newest page', () => {
    const state = addNewestPage(addPosts(empty, 'c', [post(1), post(2), post(3)]), 'c', [post(3), post(4)], 'older');
    expect(ids(state)).toEqual(['p001', 'p002', 'p003', 'p004']);
  });

  test('it is dropped when there would be a hole', () => {
    const state = addNewestPage(addPosts(empty, 'c', [post(1), post(2)]), 'c', [post(8), post(9)], 'older');
    expect(ids(state)).toEqual(['p008', 'p009']);
    expect(state.older['c']).toBe('older');
  });

  test('what came by the socket while the page was on its way stays', () => {
    const state = addNewestPage(addPosts(empty, 'c', [post(1), post(10)]), 'c', [post(8), post(9)], 'older');
    expect(ids(state)).toEqual(['p008', 'p009', 'p010']);
  });

  test('older pages join below', () => {
    const state = addOlderPage(addNewestPage(empty, 'c', [post(3)], 'older'), 'c', [post(1), post(2)], null);
    expect(ids(state)).toEqual(['p001', 'p002', 'p003']);
    expect(state.older['c']).toBeNull();
  });
});

describe('read marks', () => {
  test('only posts of others behind my mark are unread', () => {
    const state = addPosts(putChannels(empty, [channel()]), 'c', [post(1), post(2), post(3, { authorId: me }), post(4)]);
    expect(unread(state, 'c', me)).toBe(3);
    expect(unread(markRead(state, 'c', me, 'p002'), 'c', me)).toBe(1);
  });

  test('before posts are known, the server has counted', () => {
    expect(unread(putChannels(empty, [channel()]), 'c', me)).toBe(4);
  });

  test('a mark moves forward only', () => {
    const state = markRead(markRead(putChannels(empty, [channel()]), 'c', 'other', 'p005'), 'c', 'other', 'p002');
    const mine = (number: number) => post(number, { authorId: me });
    expect(isRead(state.channels['c'], mine(5))).toBe(true);
    expect(isRead(state.channels['c'], mine(6))).toBe(false);
  });

  test('my own mark does not make my post read', () => {
    const state = markRead(putChannels(empty, [channel()]), 'c', me, 'p009');
    expect(isRead(state.channels['c'], post(1, { authorId: me }))).toBe(false);
  });
});

describe('people', () => {
  test('typing ends with the post, or by itself', () => {
    const typing = after(putChannels(empty, [channel()]), event('typing', { channelId: 'c', userId: 'other' }));
    expect(typists(typing, 'c', 1000 + typingShown)).toEqual([]);
    expect(typists(after(typing, event('post.created', post(1))), 'c', 1000)).toEqual([]);
  });

  test('my own typing is not shown to me', () => {
    expect(typists(after(putChannels(empty, [channel()]), event('typing', { channelId: 'c', userId: me })), 'c', 1000)).toEqual([]);
  });

  test('presence, joining, other rights, leaving', () => {
    const member = { userId: 'x', displayName: 'X', kind: 'consultant', access: 'write', presence: 'online' };
    let state = after(putChannels(empty, [channel()]), event('presence', { userId: 'other', status: 'offline' }), event('channel.joined', { channelId: 'c', member }));
    expect(state.channels['c']?.members.map((each) => [each.userId, each.presence])).toEqual([[me, 'online'], ['other', 'offline'], ['x', 'online']]);
    state = after(state, event('channel.joined', { channelId: 'c', member: { ...member, access: 'read' } }));
    expect(state.channels['c']?.members.filter((each) => each.userId === 'x').map((each) => each.access)).toEqual(['read']);
    state = after(state, event('channel.left', { channelId: 'c', userId: 'x' }));
    expect(state.channels['c']?.members).toHaveLength(2);
  });

  test('when I leave, nothing of the channel stays', () => {
    const state = after(addPosts(putChannels(empty, [channel()]), 'c', [post(1)]), event('channel.left', { channelId: 'c', userId: me }));
    expect(state.channels).toEqual({});
    expect(state.posts).toEqual({});
  });
});

describe('tasks', () => {
  test('the higher version wins, in any order', () => {
    const older = task({ version: 2, substatus: 'assigned' });
    const newer = task({ version: 3, substatus: 'in-progress' });
    expect(putTasks(putTasks(empty, [newer]), [older]).tasks['t']?.substatus).toBe('in-progress');
    expect(putTasks(putTasks(empty, [older]), [newer]).tasks['t']?.substatus).toBe('in-progress');
  });

  test('the place in the queue follows while the task waits, and is ignored after', () => {
    const place = event('queue.position', { taskId: 't', position: 2, since: at(1), reason: 'all-busy' });
    expect(after(putTasks(empty, [task()]), place).tasks['t']?.waiting).toEqual({ position: 2, since: at(1), reason: 'all-busy' });
    expect(after(putTasks(empty, [task({ substatus: 'assigned' })]), place).tasks['t']?.waiting).toBeUndefined();
    expect(after(empty, place)).toEqual(empty);
  });

  test('a client sees the open task, else the newest', () => {
    const first = task({ id: 'a', status: 'closed', createdAt: at(1), updatedAt: at(9) });
    const second = task({ id: 'b', status: 'closed', createdAt: at(2) });
    const open = task({ id: 'c', createdAt: at(0) });
    expect(currentTask([])).toBeUndefined();
    expect(currentTask([second, first])?.id).toBe('b');
    expect(currentTask([first, open, second])?.id).toBe('c');
  });

  test('a case ends where the next question in its channel begins', () => {
    const asked = (id: string, second: number, channelId = 'c') => task({ id, channelId, createdAt: at(second + 1), reporter: { userId: me, displayName: 'Me', at: at(second) } });
    const all = [asked('third', 30), asked('first', 10), asked('elsewhere', 15, 'd'), asked('second', 20)];
    expect(endOfCase(all[1] as Task, all)).toBe(at(20));
    expect(endOfCase(all[0] as Task, all)).toBeUndefined();
  });

  test('a desk counts what people wrote, not the bot', () => {
    const state = addPosts(putChannels(empty, [channel()]), 'c', [post(1), post(2, { authorKind: 'bot', authorId: undefined }), post(3, { authorId: me })]);
    expect(unread(state, 'c', me)).toBe(2);
    expect(unreadOfPeople(state, 'c', me)).toBe(1);
  });

  test('an unknown kind of event changes nothing but the number', () => {
    expect(after({ ...empty, seq: 1 }, event('something.new', {}, 2))).toEqual({ ...empty, seq: 2 });
  });
});
