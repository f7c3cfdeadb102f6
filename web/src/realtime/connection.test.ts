import { describe, expect, test } from 'vitest';

import { longestWait } from '../base/backoff';
import type { ServerMessage } from '../api';
import { Connection, silentPings, welcomeWithin, type Socket } from './connection';

class FakeSocket implements Socket {
  sent: { type: string; id: string; data: unknown }[] = [];
  closed: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly after: number | null) {}

  send(text: string) {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }
  close(code?: number) {
    this.closed = code ?? 1005;
  }
  say(envelope: object) {
    this.onmessage?.({ data: JSON.stringify({ at: '', data: {}, ...envelope }) });
  }
  welcome(seq = 0, pingSeconds = 10) {
    this.onopen?.();
    this.say({ type: 'welcome', data: { seq, sessionId: 's', pingSeconds } });
  }
  drop(code = 1006) {
    this.onclose?.({ code });
  }
}

function world() {
  const sockets: FakeSocket[] = [];
  const timers = new Set<{ wait: number; run: () => void }>();
  const ticks = new Set<{ every: number; run: () => void }>();
  const events: ServerMessage[] = [];
  const self = { seq: 5 as number | null, online: true, over: false, gap: false, now: 0 };
  const connection = new Connection({
    open: (after) => {
      const socket = new FakeSocket(after);
      sockets.push(socket);
      return socket;
    },
    lastSeq: () => self.seq,
    onWelcome: () => undefined,
    onEvent: (event) => {
      events.push(event);
      return !self.gap;
    },
    isSessionOver: () => Promise.resolve(self.over),
    isOnline: () => self.online,
    now: () => self.now,
    chance: () => 0.5,
    later: (wait, run) => {
      const timer = { wait, run: () => (timers.delete(timer), run()) };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    every: (milliseconds, run) => {
      const tick = { every: milliseconds, run };
      ticks.add(tick);
      return () => void ticks.delete(tick);
    },
    makeId: () => 'id',
  });
  const last = () => sockets.at(-1) as FakeSocket;
  const pass = () => [...timers][0]?.run();
  const tick = () => {
    for (const each of [...ticks]) each.run();
  };
  return { ...self, self, connection, sockets, timers, ticks, events, last, pass, tick, kind: () => connection.phase.get().kind };
}

describe('opening', () => {
  test('resumes after the last event that is known', () => {
    const { connection, last, kind } = world();
    connection.start();
    expect(last().after).toBe(5);
    expect(kind()).toBe('connecting');
    last().welcome();
    expect(kind()).toBe('open');
  });

  test('the first time there is nothing to resume', () => {
    const { self, connection, last } = world();
    self.seq = null;
    connection.start();
    expect(last().after).toBeNull();
  });

  test('a server that does not welcome is left', () => {
    const { connection, last, timers, pass, kind } = world();
    connection.start();
    expect([...timers].map((timer) => timer.wait)).toEqual([welcomeWithin]);
    pass();
    expect(last().closed).toBe(1000);
    expect(kind()).toBe('waiting');
  });

  test('signals are sent only when it is open', () => {
    const { connection, last } = world();
    connection.start();
    expect(connection.send('typing', {})).toBe(false);
    last().welcome();
    expect(connection.send('typing', { channelId: 'c' })).toBe(true);
    expect(last().sent.map((message) => message.type)).toEqual(['typing']);
  });
});

describe('coming back', () => {
  test('waits longer each time, within a bound, and starts anew after success', () => {
    const { connection, sockets, last, timers, pass } = world();
    connection.start();
    const waits: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      last().onopen?.();
      last().drop();
      waits.push([...timers][0]?.wait ?? -1);
      pass();
    }
    expect(waits.slice(0, 4)).toEqual([313, 625, 1250, 2500]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(longestWait);
    expect(sockets).toHaveLength(13);
    last().welcome();
    last().drop();
    expect([...timers][0]?.wait).toBe(313);
  });

  test.each([1001, 1006, 4000, 4003, 4004])('after close code %i', (code) => {
    const { connection, last, kind } = world();
    connection.start();
    last().welcome();
    last().drop(code);
    expect(kind()).toBe('waiting');
  });

  test('a gap in the events resumes', () => {
    const { self, connection, sockets, last, pass, kind } = world();
    connection.start();
    last().welcome();
    self.gap = true;
    last().say({ type: 'post.created', seq: 9 });
    expect(kind()).toBe('waiting');
    pass();
    expect(sockets).toHaveLength(2);
    expect(last().after).toBe(5);
  });

  test('a late message of a socket that was left is not heard', () => {
    const { connection, sockets, events, last, pass } = world();
    connection.start();
    const first = last();
    first.welcome();
    const heard = first.onmessage;
    first.drop();
    pass();
    heard?.({ data: JSON.stringify({ type: 'post.created', at: '', data: {} }) });
    expect(events).toEqual([]);
    expect(sockets).toHaveLength(2);
  });

  test('not while the device is offline; at once when it is back', () => {
    const { self, connection, last, timers, kind, sockets } = world();
    connection.start();
    last().welcome();
    self.online = false;
    connection.wentOffline();
    expect(kind()).toBe('offline');
    expect(timers.size).toBe(0);
    self.online = true;
    connection.retryNow();
    expect(kind()).toBe('connecting');
    expect(sockets).toHaveLength(2);
  });

  test('the person need not wait', () => {
    const { connection, sockets, last } = world();
    connection.start();
    last().onopen?.();
    last().drop();
    connection.retryNow();
    connection.retryNow();
    expect(sockets).toHaveLength(2);
  });
});

describe('the end', () => {
  test.each([[4001, 'expired'], [4002, 'replaced'], [1000, 'logout']])('close code %i: %s', (code, reason) => {
    const { connection, last, timers } = world();
    connection.start();
    last().welcome();
    last().drop(code);
    expect(connection.phase.get()).toEqual({ kind: 'ended', reason });
    expect(timers.size).toBe(0);
  });

  test('a refused upgrade of a session that is over', async () => {
    const { self, connection, last, timers } = world();
    self.over = true;
    connection.start();
    last().drop(1006);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(connection.phase.get()).toEqual({ kind: 'ended', reason: 'expired' });
    expect(timers.size).toBe(0);
  });

  test('stopped, it stays stopped', () => {
    const { connection, last, timers, ticks } = world();
    connection.start();
    last().welcome();
    connection.stop();
    expect([timers.size, ticks.size, last().closed]).toEqual([0, 0, 1000]);
    connection.retryNow();
    expect(connection.phase.get().kind).toBe('idle');
  });
});

describe('pings', () => {
  test('as often as the server asks', () => {
    const { connection, last, ticks, tick } = world();
    connection.start();
    last().welcome(0, 7);
    expect([...ticks].map((each) => each.every)).toEqual([7000]);
    tick();
    expect(last().sent.map((message) => message.type)).toEqual(['ping']);
  });

  test('a line that answered and falls silent is dead', () => {
    const { connection, last, tick, kind } = world();
    connection.start();
    last().welcome();
    tick();
    last().say({ type: 'ack' });
    for (let silent = 0; silent < silentPings; silent += 1) tick();
    expect(kind()).toBe('open');
    tick();
    expect(kind()).toBe('waiting');
  });

  test('a server that never answers pings is not suspected', () => {
    const { connection, last, tick, kind } = world();
    connection.start();
    last().welcome();
    for (let round = 0; round < 10; round += 1) tick();
    expect(kind()).toBe('open');
  });

  test('what is no JSON is ignored', () => {
    const { connection, last, kind } = world();
    connection.start();
    last().welcome();
    last().onmessage?.({ data: '{' });
    expect(kind()).toBe('open');
  });
});

describe('a page that stood still', () => {
  test('comes back at once and tells of the gap', () => {
    const { self, connection, sockets, last, tick, kind } = world();
    connection.start();
    last().welcome();
    self.now = 10_000;
    tick();
    last().say({ type: 'ack' });
    self.now = 60_000;
    tick();
    expect(sockets.length).toBe(2);
    expect(kind()).toBe('connecting');
    expect(connection.gap.get()).toBeNull();
    last().welcome();
    expect(kind()).toBe('open');
    expect(connection.gap.get()).toEqual({ from: 10_000, until: 60_000 });
  });

  test('also when the server speaks first', () => {
    const { self, connection, last } = world();
    connection.start();
    last().welcome();
    self.now = 60_000;
    last().say({ type: 'presence' });
    expect(connection.gap.get()).toEqual({ from: 0, until: 60_000 });
  });

  test('a short pause is not worth a word', () => {
    const { self, connection, sockets, last, tick } = world();
    connection.start();
    last().welcome();
    self.now = 25_000;
    tick();
    last().say({ type: 'ack' });
    last().drop();
    connection.retryNow();
    self.now = 40_000;
    last().welcome();
    expect(sockets.length).toBe(2);
    expect(connection.gap.get()).toBeNull();
  });
});
