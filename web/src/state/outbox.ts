// Texts on their way. An entry is on the device before anything is sent, and leaves it only when the server has stored
// the post; it carries an id of the device's making, with which the server answers a repeat by the post that it has.
// So each text arrives once, whatever was lost in between: an answer, the page, the network.
import { backoff } from '../base/backoff';
import type { Box } from '../base/device';
import { createStore, type Store } from '../base/store';
import type { Post, Problem } from '../api';

export interface Entry {
  clientId: string;
  channelId: string;
  text: string;
  // When the person sent it, by the device's clock.
  at: string;
  // The server refused it for good: the person decides.
  failure?: { title: string; requestId?: string | undefined };
}

export interface OutboxPorts {
  box: Box;
  send(entry: Entry): Promise<Post>;
  // The server's answer, or null when it could not be reached.
  problemOf(error: unknown): Problem | null;
  makeId(): string;
  now(): Date;
  chance(): number;
  // Runs the function after so many milliseconds; returns how to call it off.
  later(milliseconds: number, run: () => void): () => void;
  onStored(post: Post, entry: Entry): void;
  // The session has ended: nothing more is sent until `resume`.
  onUnauthenticated(): void;
}

const prefix = 'outbox:';

export class Outbox {
  readonly entries: Store<readonly Entry[]>;
  private running = false;
  private sending: string | null = null;
  private attempt = 0;
  private callOff: (() => void) | null = null;

  constructor(private readonly ports: OutboxPorts) {
    this.entries = createStore(this.read());
  }

  add(channelId: string, text: string): Entry {
    const entry: Entry = { clientId: this.ports.makeId(), channelId, text, at: this.ports.now().toISOString() };
    this.put(entry);
    this.pump();
    return entry;
  }

  // Tries again what was refused.
  retry(clientId: string) {
    const entry = this.entries.get().find((each) => each.clientId === clientId);
    if (!entry) return;
    const { failure: _, ...rest } = entry;
    this.put(rest);
    this.pump();
  }

  discard(clientId: string) {
    this.drop(clientId);
  }

  // Sends what waits, now: called when a connection is there (again).
  resume() {
    this.running = true;
    this.attempt = 0;
    this.stopWaiting();
    this.pump();
  }

  // As `resume`, but a wait that is running goes on.
  run() {
    this.running = true;
    this.pump();
  }

  pause() {
    this.running = false;
    this.stopWaiting();
  }

  // Posts that came another way (socket, history) settle their entries.
  settle(posts: readonly Post[]) {
    const mine = new Set(this.entries.get().map((entry) => entry.clientId));
    for (const post of posts) if (post.clientId && mine.has(post.clientId)) this.drop(post.clientId);
  }

  // Another tab of the same person changed what is stored.
  reread() {
    const stored = this.read();
    this.entries.update(() => stored);
    this.pump();
  }

  private pump() {
    if (!this.running || this.sending !== null || this.callOff) return;
    const entry = this.entries.get().find((each) => !each.failure);
    if (!entry) return;
    this.sending = entry.clientId;
    this.ports.send(entry).then(
      (post) => {
        this.sending = null;
        this.attempt = 0;
        this.ports.onStored(post, entry);
        this.drop(entry.clientId);
        this.pump();
      },
      (error: unknown) => {
        this.sending = null;
        this.refused(entry, this.ports.problemOf(error));
      },
    );
  }

  private refused(entry: Entry, problem: Problem | null) {
    if (problem?.status === 401) {
      this.pause();
      this.ports.onUnauthenticated();
      return;
    }
    const passing = problem === null || problem.status === 408 || problem.status === 429 || problem.status >= 500;
    if (passing) {
      const wait = Math.max((problem?.retryAfter ?? 0) * 1000, backoff(this.attempt, this.ports.chance()));
      this.attempt += 1;
      this.callOff = this.ports.later(wait, () => {
        this.callOff = null;
        this.pump();
      });
      return;
    }
    if (this.entries.get().some((each) => each.clientId === entry.clientId)) {
      this.put({ ...entry, failure: { title: problem.title, requestId: problem.requestId } });
    }
    this.pump();
  }

  private stopWaiting() {
    this.callOff?.();
    this.callOff = null;
  }

  private put(entry: Entry) {
    this.ports.box.set(prefix + entry.clientId, JSON.stringify(entry));
    this.entries.update((entries) =>
      entries.some((each) => each.clientId === entry.clientId)
        ? entries.map((each) => (each.clientId === entry.clientId ? entry : each))
        : [...entries, entry],
    );
  }

  private drop(clientId: string) {
    this.ports.box.remove(prefix + clientId);
    this.entries.update((entries) => (entries.some((each) => each.clientId === clientId) ? entries.filter((each) => each.clientId !== clientId) : entries));
  }

  // One key an entry: tabs never overwrite each other's.
  private read(): readonly Entry[] {
    const found: Entry[] = [];
    for (const key of this.ports.box.keys()) {
      if (!key.startsWith(prefix)) continue;
      try {
        const entry = JSON.parse(this.ports.box.get(key) ?? '') as Partial<Entry>;
        if (entry.clientId && entry.channelId && entry.text && entry.at) found.push(entry as Entry);
      } catch {
        this.ports.box.remove(key);
      }
    }
    return found.sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : left.clientId < right.clientId ? -1 : 1));
  }
}
