// The socket to the person's events: opens, proves that the page lives, resumes after the last event, and comes back by
// itself. What the events mean is not its business.
import { backoff } from '../base/backoff';
import { createStore, type Store } from '../base/store';
import type { ServerMessage, Welcome } from '../api';

export type Phase =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'open' }
  // Tries again by itself at `retryAt` (ms).
  | { kind: 'waiting'; retryAt: number }
  // The device says that it has no network; tries again when that changes.
  | { kind: 'offline' }
  | { kind: 'ended'; reason: 'logout' | 'expired' | 'replaced' };

export interface Socket {
  send(text: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

// A time (ms) in which the page heard nothing of the server.
export interface Gap {
  from: number;
  until: number;
}

export interface ConnectionPorts {
  open(after: number | null): Socket;
  lastSeq(): number | null;
  onWelcome(welcome: Welcome): void;
  // False: events are missing before this one; the connection resumes.
  onEvent(event: ServerMessage): boolean;
  // The server refused to open the socket; says whether the session is the reason.
  isSessionOver(): Promise<boolean>;
  isOnline(): boolean;
  now(): number;
  chance(): number;
  later(milliseconds: number, run: () => void): () => void;
  // Calls `run` every so many milliseconds, also when the page is hidden, as long as the page itself runs.
  every(milliseconds: number, run: () => void): () => void;
  makeId(): string;
}

// No answer to a ping for so many ping intervals: the line is dead although nobody said so.
export const silentPings = 2;
// So many ping intervals between two pings: the page itself stood still (a frozen tab, a computer that slept).
export const stillPings = 3;
// So many ping intervals without a word of the server, and others may have been told that this person is gone.
export const gapPings = 4;
// The server's welcome must come within this time.
export const welcomeWithin = 10_000;

export class Connection {
  readonly phase: Store<Phase> = createStore<Phase>({ kind: 'idle' });
  // The last gap that was long enough to be told of; null when there was none or the person has seen it.
  readonly gap: Store<Gap | null> = createStore<Gap | null>(null);
  private socket: Socket | null = null;
  private welcomed = false;
  private attempt = 0;
  private callOffRetry: (() => void) | null = null;
  private callOffWelcome: (() => void) | null = null;
  private stopPinging: (() => void) | null = null;
  private unanswered = 0;
  private serverAnswersPings = false;
  private heardAt: number | null = null;
  private pingedAt = 0;
  private pingEvery = 0;

  constructor(private readonly ports: ConnectionPorts) {}

  start() {
    const kind = this.phase.get().kind;
    if (kind === 'idle' || kind === 'ended') this.connect();
  }

  // The person, or news from the device, asks not to wait any longer.
  retryNow() {
    const kind = this.phase.get().kind;
    if (kind !== 'waiting' && kind !== 'offline') return;
    this.attempt = 0;
    this.connect();
  }

  wentOffline() {
    const kind = this.phase.get().kind;
    if (kind === 'ended' || kind === 'idle') return;
    this.abandon();
    this.set({ kind: 'offline' });
  }

  stop() {
    this.abandon();
    this.set({ kind: 'idle' });
  }

  end(reason: 'logout' | 'expired' | 'replaced') {
    this.abandon();
    this.set({ kind: 'ended', reason });
  }

  // False when there is no connection; signals are not kept.
  send(type: string, data: unknown): boolean {
    if (!this.socket || !this.welcomed) return false;
    this.socket.send(JSON.stringify({ id: this.ports.makeId(), type, at: new Date(this.ports.now()).toISOString(), data }));
    return true;
  }

  private set(phase: Phase) {
    this.phase.update(() => phase);
  }

  private connect() {
    this.abandon();
    if (!this.ports.isOnline()) {
      this.set({ kind: 'offline' });
      return;
    }
    this.set({ kind: 'connecting' });
    const socket = this.ports.open(this.ports.lastSeq());
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
    };
    socket.onmessage = ({ data }) => {
      if (this.socket === socket) this.receive(data);
    };
    socket.onclose = ({ code }) => {
      if (this.socket === socket) this.closed(code, opened);
    };
    this.callOffWelcome = this.ports.later(welcomeWithin, () => this.reconnect());
  }

  private receive(data: unknown) {
    let event: ServerMessage;
    try {
      event = JSON.parse(String(data)) as ServerMessage;
    } catch {
      return;
    }
    this.heard();
    if (event.type === 'welcome') {
      this.welcome(event.data);
      return;
    }
    if (event.type === 'ack') {
      this.serverAnswersPings = true;
      this.unanswered = 0;
      return;
    }
    if (!this.ports.onEvent(event)) this.reconnect();
  }

  private heard() {
    const now = this.ports.now();
    const from = this.heardAt;
    this.heardAt = now;
    if (from !== null && this.pingEvery > 0 && now - from > gapPings * this.pingEvery) this.gap.update(() => ({ from, until: now }));
  }

  private welcome(welcome: Welcome) {
    this.callOffWelcome?.();
    this.callOffWelcome = null;
    this.welcomed = true;
    this.attempt = 0;
    this.unanswered = 0;
    this.pingEvery = Math.max(1, welcome.pingSeconds) * 1000;
    this.pingedAt = this.ports.now();
    this.stopPinging = this.ports.every(this.pingEvery, () => this.ping());
    this.ports.onWelcome(welcome);
    this.set({ kind: 'open' });
  }

  private ping() {
    const now = this.ports.now();
    const stoodStill = now - this.pingedAt > stillPings * this.pingEvery;
    this.pingedAt = now;
    // Nobody knows what became of the line meanwhile.
    if (stoodStill) {
      this.connect();
      return;
    }
    if (this.serverAnswersPings && this.unanswered >= silentPings) {
      this.reconnect();
      return;
    }
    this.unanswered += 1;
    this.send('ping', {});
  }

  private closed(code: number, opened: boolean) {
    this.abandon();
    if (code === 4001) this.set({ kind: 'ended', reason: 'expired' });
    else if (code === 4002) this.set({ kind: 'ended', reason: 'replaced' });
    else if (code === 1000) this.set({ kind: 'ended', reason: 'logout' });
    else {
      this.wait();
      if (!opened) void this.askWhetherOver();
    }
  }

  // A browser does not tell why the server refused the upgrade, so the session is looked at by a call.
  private async askWhetherOver() {
    const over = await this.ports.isSessionOver().catch(() => false);
    if (over && this.phase.get().kind === 'waiting') this.end('expired');
  }

  private reconnect() {
    this.abandon();
    this.wait();
  }

  private wait() {
    if (!this.ports.isOnline()) {
      this.set({ kind: 'offline' });
      return;
    }
    const wait = backoff(this.attempt, this.ports.chance());
    this.attempt += 1;
    this.set({ kind: 'waiting', retryAt: this.ports.now() + wait });
    this.callOffRetry = this.ports.later(wait, () => this.connect());
  }

  private abandon() {
    this.callOffRetry?.();
    this.callOffWelcome?.();
    this.stopPinging?.();
    this.callOffRetry = this.callOffWelcome = this.stopPinging = null;
    this.welcomed = false;
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }
}
