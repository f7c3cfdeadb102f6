// The processes that stand still until somebody helps, asked for again and again while a page of the office lies open: the
// engine tells of them to nobody by itself.
import { problemOf, type Api, type Incident } from '../api';
import { createStore } from '../base/store';

const askAgainAfter = 20_000;

export interface IncidentWatchOptions {
  api: Api;
  onSessionOver(): void;
  // Those that came since it was asked before; never the ones of the beginning, which the page shows.
  onNew(incidents: readonly Incident[]): void;
}

export interface OpenIncidents {
  newest: readonly Incident[];
  count: number;
}

// Keys rise with time.
const newestOf = (incidents: readonly Incident[], known: bigint) =>
  incidents.reduce((newest, { key }) => (BigInt(key) > newest ? BigInt(key) : newest), known);

export class IncidentWatch {
  readonly open = createStore<OpenIncidents>({ newest: [], count: 0 });
  private known: bigint | null = null;
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
      const { items, total } = await this.options.api.processes.listIncidents({ count: true });
      if (reading === this.reading) this.take(items, total ?? items.length);
    } catch (error) {
      if (reading === this.reading && problemOf(error)?.status === 401) this.options.onSessionOver();
    }
  }

  private take(newest: readonly Incident[], count: number) {
    const { known } = this;
    this.known = newestOf(newest, known ?? 0n);
    const before = this.open.get();
    if (known !== null && count === before.count && newest.length === before.newest.length && newest.every(({ key }, at) => key === before.newest[at]?.key)) return;
    this.open.update(() => ({ newest, count }));
    const fresh = known === null ? [] : newest.filter(({ key }) => BigInt(key) > known);
    if (fresh.length > 0) this.options.onNew(fresh);
  }
}
