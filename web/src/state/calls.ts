// The cases to which supervisors are called because nobody took them, as they come and go while a page of the office lies open.
import { problemOf, type Api, type ServerMessage, type Task } from '../api';
import { createStore } from '../base/store';
import { connectionOf, followDevice } from '../realtime/browser';
import type { Connection } from '../realtime/connection';

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
  private stopFollowing: () => void = () => undefined;

  constructor(private readonly options: CallsOptions) {
    this.connection = connectionOf(options.api, {
      lastSeq: () => this.seq,
      onWelcome: (welcome) => {
        this.seq = Math.max(this.seq ?? 0, welcome.seq);
        void this.reload();
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
  }

  stop() {
    this.stopFollowing();
    this.connection.stop();
  }

  // What is open now is asked again after each absence, so an event that was missed costs nothing.
  private async reload() {
    try {
      const { items } = await this.options.api.tasks.listTasks({ type: 'staff', subtype: 'escalation', status: 'open', limit: 50 });
      this.open.update(() => [...items].reverse());
      this.changes.update((count) => count + 1);
    } catch (error) {
      if (problemOf(error)?.status === 401) this.options.onSessionOver();
    }
  }

  private received(event: ServerMessage): boolean {
    if ('seq' in event) this.seq = event.seq;
    if (event.type === 'resync') void this.reload();
    if (event.type !== 'task.created' && event.type !== 'task.updated') return true;
    const task = event.data;
    if (task.type.type !== 'staff') return true;
    const isKnown = this.open.get().some((each) => each.id === task.id);
    this.open.update((open) => (task.status === 'open' ? [...open.filter((each) => each.id !== task.id), task] : open.filter((each) => each.id !== task.id)));
    this.changes.update((count) => count + 1);
    if (task.status === 'open' && !isKnown) this.options.onCall(task);
    return true;
  }
}
