// What a page knows about its person's conversations, and how each piece of news changes it. Pure: no clock, no network,
// no storage. News may come twice and in any order between HTTP and the socket; the result is the same.
import type { Channel, Member, Post, PresenceStatus, ServerMessage, Task } from '../api';

export interface Conversations {
  // Number of the last durable event that is in this state; null before the first.
  seq: number | null;
  channels: Readonly<Record<string, Channel>>;
  // Oldest first, by channel.
  posts: Readonly<Record<string, readonly Post[]>>;
  // Where older posts continue, by channel; null: there are none; absent: not asked yet.
  older: Readonly<Record<string, string | null>>;
  tasks: Readonly<Record<string, Task>>;
  // Channel → person → until when (ms) the sign of typing holds.
  typing: Readonly<Record<string, Readonly<Record<string, number>>>>;
  // True once the server's state was read on this page load; before that it is the device's memory of it.
  fresh: boolean;
}

export const empty: Conversations = { seq: null, channels: {}, posts: {}, older: {}, tasks: {}, typing: {}, fresh: false };

// A sign of typing is shown so long after the last one came.
export const typingShown = 6000;

export const byAge = (left: Post, right: Post) =>
  left.at < right.at ? -1 : left.at > right.at ? 1 : left.id < right.id ? -1 : left.id > right.id ? 1 : 0;

// Adds posts, each id once: what came later replaces what was known.
export function mergePosts(known: readonly Post[], news: readonly Post[]): readonly Post[] {
  if (news.length === 0) return known;
  const byId = new Map(known.map((post) => [post.id, post]));
  for (const post of news) byId.set(post.id, post);
  return [...byId.values()].sort(byAge);
}

export function addPosts(state: Conversations, channelId: string, news: readonly Post[]): Conversations {
  return { ...state, posts: { ...state.posts, [channelId]: mergePosts(state.posts[channelId] ?? [], news) } };
}

// The newest page of a channel. What was known is kept only when it meets the page without a hole between them.
export function addNewestPage(state: Conversations, channelId: string, page: readonly Post[], older: string | null): Conversations {
  const known = state.posts[channelId] ?? [];
  const ids = new Set(page.map((post) => post.id));
  const meets = older === null || known.some((post) => ids.has(post.id));
  const last = page.reduce<Post | null>((newest, post) => (newest && byAge(newest, post) > 0 ? newest : post), null);
  const kept = meets ? known : known.filter((post) => last !== null && byAge(post, last) > 0);
  return {
    ...state,
    posts: { ...state.posts, [channelId]: mergePosts(kept, page) },
    older: { ...state.older, [channelId]: older },
  };
}

export function addOlderPage(state: Conversations, channelId: string, page: readonly Post[], older: string | null): Conversations {
  return { ...addPosts(state, channelId, page), older: { ...state.older, [channelId]: older } };
}

export function putChannels(state: Conversations, channels: readonly Channel[]): Conversations {
  const next = { ...state.channels };
  for (const channel of channels) next[channel.id] = channel;
  return { ...state, channels: next };
}

// The server's whole list: channels that are not in it any more are gone.
export function replaceChannels(state: Conversations, channels: readonly Channel[]): Conversations {
  return putChannels({ ...state, channels: {} }, channels);
}

// The higher version wins, whichever way it came.
export function putTasks(state: Conversations, tasks: readonly Task[]): Conversations {
  let next: Record<string, Task> | null = null;
  for (const task of tasks) {
    const known = (next ?? state.tasks)[task.id];
    if (known && known.version > task.version) continue;
    next ??= { ...state.tasks };
    next[task.id] = task;
  }
  return next ? { ...state, tasks: next } : state;
}

function withMember(state: Conversations, channelId: string, change: (members: readonly Member[]) => readonly Member[]): Conversations {
  const channel = state.channels[channelId];
  if (!channel) return state;
  const members = change(channel.members);
  return members === channel.members ? state : putChannels(state, [{ ...channel, members: [...members] }]);
}

// A read mark only moves forward. Ids of posts are time-ordered (UUIDv7).
export function markRead(state: Conversations, channelId: string, userId: string, postId: string): Conversations {
  return withMember(state, channelId, (members) =>
    members.some((member) => member.userId === userId && (member.lastReadPostId ?? '') < postId)
      ? members.map((member) => (member.userId === userId ? { ...member, lastReadPostId: postId } : member))
      : members,
  );
}

export function setPresence(state: Conversations, userId: string, presence: PresenceStatus): Conversations {
  let next = state;
  for (const id of Object.keys(state.channels)) {
    next = withMember(next, id, (members) =>
      members.some((member) => member.userId === userId && member.presence !== presence)
        ? members.map((member) => (member.userId === userId ? { ...member, presence } : member))
        : members,
    );
  }
  return next;
}

export function setTyping(state: Conversations, channelId: string, userId: string, until: number): Conversations {
  return { ...state, typing: { ...state.typing, [channelId]: { ...state.typing[channelId], [userId]: until } } };
}

function stopTyping(state: Conversations, channelId: string, userId: string | undefined): Conversations {
  const typing = state.typing[channelId];
  if (!userId || typing?.[userId] === undefined) return state;
  const rest = { ...typing };
  delete rest[userId];
  return { ...state, typing: { ...state.typing, [channelId]: rest } };
}

function leave(state: Conversations, channelId: string, userId: string, me: string): Conversations {
  if (userId !== me) return withMember(state, channelId, (members) => members.filter((member) => member.userId !== userId));
  const channels = { ...state.channels };
  const posts = { ...state.posts };
  const older = { ...state.older };
  delete channels[channelId];
  delete posts[channelId];
  delete older[channelId];
  return { ...state, channels, posts, older };
}

// `duplicate`: it is in the state already. `gap`: events before it are missing; the socket must resume after `seq`.
export type Outcome = { kind: 'applied'; state: Conversations } | { kind: 'duplicate' } | { kind: 'gap' };

export function receive(state: Conversations, event: ServerMessage, me: string, now: number): Outcome {
  if (!('seq' in event)) return { kind: 'applied', state: apply(state, event, me, now) };
  if (state.seq !== null && event.seq <= state.seq) return { kind: 'duplicate' };
  if (state.seq !== null && event.seq > state.seq + 1) return { kind: 'gap' };
  return { kind: 'applied', state: { ...apply(state, event, me, now), seq: event.seq } };
}

function apply(state: Conversations, event: ServerMessage, me: string, now: number): Conversations {
  switch (event.type) {
    case 'post.created':
    case 'post.updated': {
      const post = event.data;
      return stopTyping(addPosts(state, post.channelId, [post]), post.channelId, post.authorId);
    }
    case 'channel.read': {
      const { channelId, userId, postId } = event.data;
      return postId === undefined ? state : markRead(state, channelId, userId, postId);
    }
    case 'channel.joined': {
      const { channelId, member } = event.data;
      return withMember(state, channelId, (members) => [...members.filter((each) => each.userId !== member.userId), member]);
    }
    case 'channel.left':
      return leave(state, event.data.channelId, event.data.userId, me);
    case 'typing':
      return event.data.userId === me ? state : setTyping(state, event.data.channelId, event.data.userId, now + typingShown);
    case 'presence':
      return setPresence(state, event.data.userId, event.data.status);
    case 'task.created':
    case 'task.updated':
      return putTasks(state, [event.data]);
    case 'queue.position': {
      const { taskId, ...waiting } = event.data;
      const task = state.tasks[taskId];
      return task?.substatus === 'on-assignment' ? { ...state, tasks: { ...state.tasks, [taskId]: { ...task, waiting } } } : state;
    }
    default:
      return state;
  }
}

// Posts of others that I have not read.
export function unread(state: Conversations, channelId: string, me: string): number {
  return countUnread(state, channelId, me, () => true);
}

// What people wrote and I have not read: the bot's words call nobody to the desk.
export function unreadOfPeople(state: Conversations, channelId: string, me: string): number {
  return countUnread(state, channelId, me, (post) => post.authorKind === 'user');
}

function countUnread(state: Conversations, channelId: string, me: string, counts: (post: Post) => boolean): number {
  const channel = state.channels[channelId];
  const posts = state.posts[channelId];
  if (!posts) return channel?.unreadCount ?? 0;
  const mark = channel?.members.find((member) => member.userId === me)?.lastReadPostId ?? '';
  return posts.reduce((count, post) => (post.authorId !== me && post.id > mark && counts(post) ? count + 1 : count), 0);
}

// Whether anybody but its author has read it.
export function isRead(channel: Channel | undefined, post: Post): boolean {
  return channel?.members.some((member) => member.userId !== post.authorId && (member.lastReadPostId ?? '') >= post.id) ?? false;
}

// Who is typing now, as names.
export function typists(state: Conversations, channelId: string, now: number): string[] {
  const typing = state.typing[channelId] ?? {};
  return (state.channels[channelId]?.members ?? [])
    .filter((member) => (typing[member.userId] ?? 0) > now)
    .map((member) => member.displayName);
}

// The task that a client's page speaks of: the open one, else the newest.
export function currentTask(tasks: Iterable<Task>): Task | undefined {
  let current: Task | undefined;
  for (const task of tasks) {
    if (!current || (task.status === current.status ? current.createdAt < task.createdAt : task.status === 'open')) current = task;
  }
  return current;
}

// A channel holds all that its client ever asked: where a case's part of it ends, because the next question begins there.
export function endOfCase(task: Task, tasks: Iterable<Task>): string | undefined {
  let end: string | undefined;
  for (const other of tasks) {
    const later = other.channelId === task.channelId && other.createdAt > task.createdAt;
    if (later && (end === undefined || other.reporter.at < end)) end = other.reporter.at;
  }
  return end;
}
