// Something that is done after a few seconds in which the person may take it back; a page that goes away does it at once.
import { createStore, type Store } from '../base/store';

export const undoFor = 5000;

export interface Pending {
  id: string;
  // When it is done, ms.
  due: number;
}

export interface UndoPorts {
  now(): number;
  later(milliseconds: number, run: () => void): () => void;
}

export class UndoQueue {
  readonly pending: Store<readonly Pending[]> = createStore<readonly Pending[]>([]);
  private readonly waiting = new Map<string, { run: (leaving: boolean) => void; callOff: () => void }>();

  constructor(private readonly ports: UndoPorts) {}

  // `run` is told whether the page is leaving. A second one of the same id changes nothing.
  add(id: string, run: (leaving: boolean) => void) {
    if (this.waiting.has(id)) return;
    const callOff = this.ports.later(undoFor, () => this.finish(id, false));
    this.waiting.set(id, { run, callOff });
    this.pending.update((all) => [...all, { id, due: this.ports.now() + undoFor }]);
  }

  undo(id: string) {
    this.remove(id)?.callOff();
  }

  flush() {
    for (const id of [...this.waiting.keys()]) this.finish(id, true);
  }

  private finish(id: string, leaving: boolean) {
    const entry = this.remove(id);
    if (!entry) return;
    entry.callOff();
    entry.run(leaving);
  }

  private remove(id: string) {
    const entry = this.waiting.get(id);
    this.waiting.delete(id);
    this.pending.update((all) => all.filter((each) => each.id !== id));
    return entry;
  }
}
