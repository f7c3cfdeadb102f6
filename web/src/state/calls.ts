// The cases to which supervisors are called because nobody took them, as they come and go while a page of the office lies open.
import { problemOf, type Api, type ServerMessage, type Task } from '../api';
import { createStore } from '../base/store';
import { connectionOf, followDevice } from '../realtime/browser';
import type { Connection } from '../realtime/connection';

// Events reach those of the group of the case; who only may see it, as administrators, asks.
const askAgainAfter = 20_000;

export interface CallsOptions {
  api: Api;
  onSessionOver(): void;
  // One more than before.
  onCall(task: Task): void;
}

export class Calls {
  // Open ones, oldest first.
  readonly open = createStore<readonly Task[]>([]);
  // Rises when a list of tasks may have changed.
  readonly changes = createStore(0);
  private readonly connection: Connection;
  private seq: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private isFirst = true;
  private isOvertaken = false;
  private reading = 0;
  private stopFollowing: () => void = () => undefined;

  constructor(private readonly options: CallsOptions) {
    this.connection = connectionOf(options.api, {
      lastSeq: () => this.seq,
      onWelcome: (welcome) => {
        this.seq = Math.max(this.seq ?? 0, welcome.seq);
        void this.reload('absence');
      },
      onEvent: (event) => this.received(event),
    });
  }

  start() {
    this.stopFollowing = followDevice(this.connection);
    this.connection.phase.subscribe(() => {
      const phase = this.connection.phase.get();
      if (phase.kind === 'ended' && phase.reason !== 'replaced') this.options.onSessionOver();
    });
    this.connection.start();
    this.timer = setInterval(() => void this.reload('while'), askAgainAfter);
  }

  stop() {
    this.reading += 1;
    clearInterval(this.timer);
    this.stopFollowing();
    this.connection.stop();
  }

  // What is open now is asked again after each absence, so an event that was missed costs nothing. Of two questions that are under
  // way only the later one counts; one that an event overtook is asked anew.
  private async reload(after: 'absence' | 'while') {
    const reading = (this.reading += 1);
    this.isOvertaken = false;
    try {
      const { items } = await this.options.api.tasks.listTasks({ type: 'staff', subtype: 'escalation', status: 'open', limit: 50 });
      if (reading !== this.reading) return;
      if (this.isOvertaken) await this.reload(after);
      else this.take([...items].reverse(), after);
    } catch (error) {
      if (reading === this.reading && problemOf(error)?.status === 401) this.options.onSessionOver();
    }
  }

  // Those of the beginning are shown, the later ones told.
  private take(items: readonly Task[], after: 'absence' | 'while') {
    const before = this.open.get();
    const isSame = items.length === before.length && items.every((each) => before.some((known) => known.id === each.id));
    const fresh = this.isFirst ? [] : items.filter((each) => before.every((known) => known.id !== each.id));
    this.isFirst = false;
    if (!isSame) this.open.update(() => items);
    if (!isSame || after === 'absence') this.changes.update((count) => count + 1);
    for (const task of fresh) this.options.onCall(task);
  }

  private received(event: ServerMessage): boolean {
    if ('seq' in event) this.seq = event.seq;
    if (event.type === 'resync') void this.reload('absence');
    if (event.type !== 'task.created' && event.type !== 'task.updated') return true;
    const task = event.data;
    if (task.type.type !== 'staff') return true;
    this.isOvertaken = true;
    const isKnown = this.open.get().some((each) => each.id === task.id);
    this.open.update((open) => (task.status === 'open' ? [...open.filter((each) => each.id !== task.id), task] : open.filter((each) => each.id !== task.id)));
    this.changes.update((count) => count + 1);
    if (task.status === 'open' && !isKnown) this.options.onCall(task);
    return true;
  }
}
