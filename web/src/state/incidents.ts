// The processes that stand still until somebody helps, asked for again and again while a page of the office lies open: the
// engine tells of them to nobody by itself.
import { problemOf, type Api, type Incident } from '../api';
import { createStore } from '../base/store';

const askAgainAfter = 20_000;

export interface IncidentWatchOptions {
  api: Api;
  onSessionOver(): void;
  // Those that were not there when it was asked before; never the ones of the beginning, which the page shows.
  onNew(incidents: readonly Incident[]): void;
}

export class IncidentWatch {
  readonly open = createStore<readonly Incident[]>([]);
  private known: ReadonlySet<string> | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private reading = 0;

  constructor(private readonly options: IncidentWatchOptions) {}

  start() {
    void this.look();
    this.timer = setInterval(() => void this.look(), askAgainAfter);
  }

  stop() {
    this.reading += 1;
    clearInterval(this.timer);
  }

  // Of two questions that are under way only the later one counts. One that fails is asked again at the next time.
  async look() {
    const reading = (this.reading += 1);
    try {
      const { items } = await this.options.api.processes.listIncidents({});
      if (reading === this.reading) this.take(items);
    } catch (error) {
      if (reading === this.reading && problemOf(error)?.status === 401) this.options.onSessionOver();
    }
  }

  private take(items: readonly Incident[]) {
    const known = this.known;
    this.known = new Set(items.map(({ key }) => key));
    if (known && items.length === known.size && items.every(({ key }) => known.has(key))) return;
    this.open.update(() => items);
    const fresh = known ? items.filter(({ key }) => !known.has(key)) : [];
    if (fresh.length > 0) this.options.onNew(fresh);
  }
}
