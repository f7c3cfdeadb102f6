// One logged-in person's side of everything: their conversations, what is on its way, the socket. Pages read its stores
// and call its functions.
import { problemOf, type Api, type Channel, type Person, type Post, type ServerMessage, type Task } from '../api';
import { takeEarlyChannels } from '../base/early';
import { makeClientId } from '../base/identity';
import { browserBox, clearBox, personBox, type Box } from '../base/device';
import { createStore, type Store } from '../base/store';
import { connectionOf, followDevice, later } from '../realtime/browser';
import type { Connection } from '../realtime/connection';
import { restore, save } from './memory';
import {
  addNewestPage, addOlderPage, addPosts, markRead, putChannels, putTasks, receive, replaceChannels, type Conversations,
} from './model';
import { Outbox } from './outbox';
import { UndoQueue } from './undo';

// A sign of typing is sent at most so often (ms).
const typingEvery = 3000;
// The memory on the device follows the state after so many milliseconds.
const saveAfter = 400;
// A text whose answer takes longer (ms) is sent again; the server knows it by its id.
const sendWithin = 20_000;
const postsAPage = 50;
const mostOpenTasks = 100;
const recentlyClosed = 20;

export interface HubOptions {
  api: Api;
  leavingApi: Api;
  person: Person;
  onSessionOver(): void;
  // A consultation came to this person.
  onAssigned?(task: Task): void;
  onPost?(post: Post): void;
}

export class Hub {
  readonly api: Api;
  readonly person: Person;
  readonly box: Box;
  readonly state: Store<Conversations>;
  readonly outbox: Outbox;
  readonly undo: UndoQueue;
  readonly connection: Connection;
  // A load failed with this; null when all is well.
  readonly trouble = createStore<unknown>(null);
  readonly sessionEnds = createStore<string | null>(null);
  private readonly undoAll: (() => void)[] = [];
  private readonly lastTyping = new Map<string, number>();
  private readonly pages = new Map<string, Promise<void>>();
  private callOffSave: (() => void) | null = null;
  private callOffReload: (() => void) | null = null;
  private stopped = false;

  constructor(private readonly options: HubOptions) {
    this.api = options.api;
    this.person = options.person;
    this.box = personBox(browserBox(), options.person.id);
    this.state = createStore(restore(this.box));
    this.undo = new UndoQueue({ now: () => Date.now(), later });
    this.outbox = new Outbox({
      box: this.box,
      send: (entry) => this.api.chat.createPost({ id: entry.channelId, text: entry.text, clientId: entry.clientId }, { idempotencyKey: entry.clientId, signal: AbortSignal.timeout(sendWithin) }),
      problemOf,
      makeId: makeClientId,
      now: () => new Date(),
      chance: Math.random,
      later,
      onStored: (post) => {
        this.state.update((state) => addPosts(state, post.channelId, [post]));
        if (this.sessionEnds.get() !== null) void this.stayLoggedIn();
      },
      onUnauthenticated: () => this.sessionOver(),
    });
    this.connection = connectionOf(this.api, {
      lastSeq: () => this.state.get().seq,
      onWelcome: (welcome) => this.welcomed(welcome.seq),
      onEvent: (event) => this.received(event),
    });
  }

  start() {
    const on = (target: EventTarget, name: string, run: (event: Event) => void) => {
      target.addEventListener(name, run);
      this.undoAll.push(() => target.removeEventListener(name, run));
    };
    this.undoAll.push(followDevice(this.connection));
    on(window, 'pagehide', () => this.leaving());
    on(window, 'storage', (event) => {
      if ((event as StorageEvent).key?.startsWith(`consilium:person:${this.person.id}:outbox:`)) this.outbox.reread();
    });
    this.undoAll.push(this.state.subscribe(() => this.saveSoon()));
    this.undoAll.push(this.connection.phase.subscribe(() => this.phaseChanged()));
    this.connection.start();
    this.showEarly();
  }

  stop() {
    this.stopped = true;
    for (const undo of this.undoAll.splice(0)) undo();
    this.callOffSave?.();
    this.callOffReload?.();
    this.outbox.pause();
    this.connection.stop();
  }

  // Takes everything of this person off the device: logging out on a shared computer leaves nothing.
  forget() {
    this.stop();
    clearBox(this.box);
  }

  post(channelId: string, text: string) {
    this.lastTyping.delete(channelId);
    this.outbox.add(channelId, text);
  }

  typing(channelId: string) {
    const now = Date.now();
    if (now - (this.lastTyping.get(channelId) ?? 0) < typingEvery) return;
    if (this.connection.send('typing', { channelId })) this.lastTyping.set(channelId, now);
  }

  // The person has seen everything up to this post.
  read(channelId: string, postId: string) {
    const before = this.state.get();
    const mine = before.channels[channelId]?.members.find((member) => member.userId === this.person.id);
    if (!mine || (mine.lastReadPostId ?? '') >= postId) return;
    if (!this.connection.send('read', { channelId, postId })) return;
    this.state.update((state) => markRead(state, channelId, this.person.id, postId));
  }

  async openChannel(channelId: string) {
    if (this.state.get().older[channelId] !== undefined) return;
    await this.loadNewest(channelId);
  }

  async loadOlder(channelId: string) {
    const cursor = this.state.get().older[channelId];
    if (!cursor) return;
    const reply = await this.api.chat.listPosts({ id: channelId, limit: postsAPage, cursor });
    this.state.update((state) => addOlderPage(state, channelId, reply.items, reply.nextCursor ?? null));
  }

  async press(post: Post, actionId: string, text?: string) {
    const action = post.actions.find((each) => each.id === actionId);
    if (!action) return;
    const changed = await this.api.chat.pressAction({ id: post.id, actionId, token: action.token, ...(text ? { text } : {}) });
    this.state.update((state) => addPosts(state, changed.channelId, [changed]));
  }

  async transition(taskId: string, transition: string, options: { reason?: string; leaving?: boolean } = {}) {
    const api = options.leaving ? this.options.leavingApi : this.api;
    const task = await api.tasks.makeTransition({ id: taskId, transition, ...(options.reason ? { reason: options.reason } : {}) });
    this.state.update((state) => putTasks(state, [task]));
  }

  // The person goes on: any call makes the session live on, up to its longest life.
  async stayLoggedIn() {
    try {
      const { expiresAt } = await this.api.sessions.getCurrent();
      const before = this.sessionEnds.get();
      this.sessionEnds.update(() => (before !== null && expiresAt > before ? null : expiresAt));
    } catch (error) {
      if (problemOf(error)?.status === 401) this.sessionOver();
      else this.trouble.update(() => error);
    }
  }

  // Reads the server's state again, for what the events cannot tell: the first time, and after `resync`.
  async reload() {
    try {
      await Promise.all([this.loadChannels(), this.loadTasks()]);
      if (this.stopped) return;
      this.trouble.update(() => null);
      this.state.update((state) => ({ ...state, fresh: true }));
    } catch (error) {
      if (this.stopped) return;
      if (problemOf(error)?.status === 401) {
        this.sessionOver();
        return;
      }
      this.trouble.update(() => error);
      // The connection's own return loads again; this is for a server that answers the socket but not the call.
      this.callOffReload?.();
      this.callOffReload = later(5000, () => void this.reload());
    }
  }

  // Until the server's state is read: what was asked for before this code was there. It may be older than what the socket tells.
  private showEarly() {
    const channels = takeEarlyChannels(this.person.id);
    if (channels) this.state.update((state) => (state.fresh || Object.keys(state.channels).length > 0 ? state : replaceChannels(state, channels)));
  }

  private async loadChannels() {
    const channels: Channel[] = [];
    let cursor: string | null | undefined;
    do {
      const reply = await this.api.chat.listChannels({ limit: 200, ...(cursor ? { cursor } : {}) });
      channels.push(...reply.items);
      cursor = reply.nextCursor;
    } while (cursor);
    this.state.update((state) => replaceChannels(state, channels));
    const shown = Object.keys(this.state.get().posts);
    const wanted = this.person.type === 'client' ? channels.map((channel) => channel.id) : shown;
    const there = new Set(channels.map((channel) => channel.id));
    await Promise.all(wanted.filter((id) => there.has(id)).map((id) => this.loadNewest(id)));
  }

  private loadNewest(channelId: string): Promise<void> {
    const running = this.pages.get(channelId);
    if (running) return running;
    const load = this.api.chat.listPosts({ id: channelId, limit: postsAPage }).then((reply) => {
      this.state.update((state) => addNewestPage(state, channelId, reply.items, reply.nextCursor ?? null));
      this.outbox.settle(reply.items);
    }).finally(() => this.pages.delete(channelId));
    this.pages.set(channelId, load);
    return load;
  }

  private async loadTasks() {
    const mine = this.person.type === 'client' ? { reporterUserId: this.person.id } : { assigneeUserId: this.person.id };
    const [open, closed] = await Promise.all([
      this.api.tasks.listTasks({ ...mine, status: 'open', limit: mostOpenTasks }),
      this.api.tasks.listTasks({ ...mine, status: 'closed', limit: recentlyClosed }),
    ]);
    this.state.update((state) => {
      const listed = new Set([...open.items, ...closed.items].map((task) => task.id));
      // An open task that the server no longer lists as this person's was taken away meanwhile.
      const kept = Object.fromEntries(Object.entries(state.tasks).filter(([id, task]) => listed.has(id) || task.status === 'closed'));
      return putTasks({ ...state, tasks: kept }, [...open.items, ...closed.items]);
    });
  }

  private welcomed(seq: number) {
    const known = this.state.get();
    // A server whose log ends before our last number is another server (a new data folder): start anew.
    const foreign = known.seq !== null && seq < known.seq;
    if (known.seq === null || foreign) this.state.update((state) => ({ ...state, seq }));
    if (known.seq === null || foreign || !known.fresh) void this.reload();
  }

  private received(event: ServerMessage): boolean {
    if (event.type === 'resync') {
      const { seq } = event.data;
      this.state.update((state) => ({ ...state, seq, fresh: false }));
      void this.reload();
      return true;
    }
    if (event.type === 'session.expiring') {
      this.sessionEnds.update(() => event.data.expiresAt);
      return true;
    }
    const before = this.state.get();
    const outcome = receive(before, event, this.person.id, Date.now());
    if (outcome.kind === 'gap') return false;
    if (outcome.kind === 'duplicate') return true;
    this.state.update(() => outcome.state);
    this.noticed(before, event);
    return true;
  }

  private noticed(before: Conversations, event: ServerMessage) {
    if (event.type === 'post.created') {
      const post = event.data;
      this.outbox.settle([post]);
      if (!before.channels[post.channelId]) void this.loadChannel(post.channelId);
      if (post.authorId !== this.person.id) this.options.onPost?.(post);
    }
    if (event.type === 'channel.joined') {
      const { channelId } = event.data;
      if (!before.channels[channelId]) void this.loadChannel(channelId);
    }
    if (event.type === 'task.created' || event.type === 'task.updated') {
      const task = event.data;
      const known = before.tasks[task.id];
      const mine = task.assignee.userId === this.person.id && task.substatus === 'assigned';
      const newlyMine = known?.assignee.userId !== this.person.id || known.status === 'closed' || known.version > task.version;
      if (mine && newlyMine) this.options.onAssigned?.(task);
      if (mine && task.channelId && !before.channels[task.channelId]) void this.loadChannel(task.channelId);
    }
  }

  private async loadChannel(channelId: string) {
    try {
      const channel = await this.api.chat.getChannel({ id: channelId });
      this.state.update((state) => putChannels(state, [channel]));
      await this.loadNewest(channelId);
    } catch (error) {
      // A task may be told before its channel is joined; `channel.joined` loads it then.
      if (problemOf(error)?.status === 401) this.sessionOver();
    }
  }

  private phaseChanged() {
    const phase = this.connection.phase.get();
    // Texts go by HTTP: they need the network, not the socket.
    if (phase.kind === 'open') this.outbox.resume();
    else if (phase.kind === 'connecting' || phase.kind === 'waiting') this.outbox.run();
    else this.outbox.pause();
    if (phase.kind === 'ended' && phase.reason !== 'replaced') this.sessionOver();
  }

  private sessionOver() {
    if (this.stopped) return;
    this.saveNow();
    this.stop();
    this.options.onSessionOver();
  }

  private leaving() {
    this.saveNow();
    this.undo.flush();
  }

  private saveSoon() {
    this.callOffSave ??= later(saveAfter, () => this.saveNow());
  }

  private saveNow() {
    this.callOffSave?.();
    this.callOffSave = null;
    if (!this.stopped) save(this.box, this.state.get());
  }
}
