import { describe, expect, test } from 'vitest';

import type { Post, Problem } from '../api';
import { memoryBox, type Box } from '../base/device';
import { Outbox, type Entry } from './outbox';

class Refusal extends Error {
  constructor(readonly problem: Problem | null) {
    super('refused');
  }
}

const problem = (status: number, more: Partial<Problem> = {}): Problem => ({ status, code: 'x', title: `title ${status}`, fields: [], ...more });

// A server that stores each clientId once, and a network that loses what it is told to.
class World {
  readonly stored: Post[] = [];
  readonly attempts: string[] = [];
  readonly timers: { wait: number; run: () => void }[] = [];
  faults: ((entry: Entry) => 'lost-call' | 'lost-answer' | Problem | undefined)[] = [];
  unauthenticated = 0;
  private ids = 0;
  private clock = 0;

  constructor(readonly box: Box = memoryBox()) {}

  open(): Outbox {
    return new Outbox({
      box: this.box,
      send: async (entry) => {
        this.attempts.push(entry.text);
        await Promise.resolve();
        const fault = this.faults.shift()?.(entry);
        if (fault === 'lost-call') throw new Refusal(null);
        if (fault && typeof fault === 'object') throw new Refusal(fault);
        let post = this.stored.find((each) => each.clientId === entry.clientId);
        if (!post) {
          post = { id: `p${this.stored.length}`, channelId: entry.channelId, authorKind: 'user', authorId: 'me', authorName: 'Me', text: entry.text, at: entry.at, ephemeral: false, actions: [], clientId: entry.clientId };
          this.stored.push(post);
        }
        if (fault === 'lost-answer') throw new Refusal(null);
        return post;
      },
      problemOf: (error) => (error instanceof Refusal ? error.problem : null),
      makeId: () => `id${(this.ids += 1)}-${Math.random().toString(36).slice(2, 8)}`,
      now: () => new Date((this.clock += 1000)),
      chance: () => 0.5,
      later: (wait, run) => {
        const timer = { wait, run };
        this.timers.push(timer);
        return () => void this.timers.splice(this.timers.indexOf(timer), 1);
      },
      onStored: () => undefined,
      onUnauthenticated: () => (this.unauthenticated += 1),
    });
  }

  async settle() {
    for (let round = 0; round < 200; round += 1) await Promise.resolve();
  }

  async pass() {
    const timer = this.timers.shift();
    timer?.run();
    await this.settle();
  }

  texts() {
    return this.stored.map((post) => post.text);
  }
}

describe('each text arrives once', () => {
  test('when all goes well, in the order of writing', async () => {
    const world = new World();
    const outbox = world.open();
    outbox.resume();
    for (const text of ['one', 'two', 'three']) outbox.add('c', text);
    await world.settle();
    expect(world.texts()).toEqual(['one', 'two', 'three']);
    expect(outbox.entries.get()).toEqual([]);
    expect(world.box.keys()).toEqual([]);
  });

  test('written while offline, sent on return', async () => {
    const world = new World();
    const outbox = world.open();
    outbox.add('c', 'one');
    outbox.add('c', 'two');
    await world.settle();
    expect(world.attempts).toEqual([]);
    outbox.resume();
    await world.settle();
    expect(world.texts()).toEqual(['one', 'two']);
  });

  test('written while offline, the page reloaded, then sent', async () => {
    const world = new World();
    world.open().add('c', 'one');
    const reloaded = world.open();
    expect(reloaded.entries.get().map((entry) => entry.text)).toEqual(['one']);
    reloaded.resume();
    await world.settle();
    expect(world.texts()).toEqual(['one']);
    expect(world.open().entries.get()).toEqual([]);
  });

  test('the answer was lost', async () => {
    const world = new World();
    world.faults = [() => 'lost-answer'];
    const outbox = world.open();
    outbox.resume();
    outbox.add('c', 'one');
    await world.settle();
    expect(outbox.entries.get()).toHaveLength(1);
    await world.pass();
    expect(world.attempts).toEqual(['one', 'one']);
    expect(world.texts()).toEqual(['one']);
  });

  test('the page was reloaded between the call and its answer', async () => {
    const world = new World();
    world.faults = [() => 'lost-answer'];
    const before = world.open();
    before.resume();
    before.add('c', 'one');
    await world.settle();
    before.pause();
    const reloaded = world.open();
    reloaded.resume();
    await world.settle();
    expect(world.texts()).toEqual(['one']);
    expect(reloaded.entries.get()).toEqual([]);
  });

  test('the socket tells of the post before the answer comes', async () => {
    const world = new World();
    world.faults = [() => 'lost-answer'];
    const outbox = world.open();
    outbox.resume();
    outbox.add('c', 'one');
    await world.settle();
    outbox.settle(world.stored);
    expect(outbox.entries.get()).toEqual([]);
    await world.pass();
    expect(world.attempts).toEqual(['one']);
  });

  test('two tabs share the device', async () => {
    const world = new World();
    const left = world.open();
    left.add('c', 'left');
    const right = world.open();
    right.add('c', 'right');
    left.reread();
    left.resume();
    right.resume();
    await world.settle();
    expect(world.texts().sort()).toEqual(['left', 'right']);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('under random faults and reloads (seed %i)', async (seed) => {
    let value = seed;
    const chance = () => (value = (value * 48271) % 2147483647) / 2147483647;
    const world = new World();
    world.faults = Array.from({ length: 60 }, () => () => {
      const dice = chance();
      return dice < 0.25 ? 'lost-call' : dice < 0.5 ? 'lost-answer' : dice < 0.6 ? problem(503) : dice < 0.65 ? problem(429, { retryAfter: 1 }) : undefined;
    });
    let outbox = world.open();
    outbox.resume();
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    for (const text of texts) {
      outbox.add('c', text);
      if (chance() < 0.3) await world.settle();
      if (chance() < 0.3) await world.pass();
      if (chance() < 0.2) {
        outbox.pause();
        outbox = world.open();
        outbox.resume();
      }
    }
    for (let round = 0; round < 200; round += 1) await world.pass();
    expect(world.texts()).toEqual(texts);
    expect(outbox.entries.get()).toEqual([]);
  });
});

describe('refusals', () => {
  test('a passing one is waited out, at least as long as the server says', async () => {
    const world = new World();
    world.faults = [() => problem(429, { retryAfter: 7 })];
    const outbox = world.open();
    outbox.resume();
    outbox.add('c', 'one');
    await world.settle();
    expect(world.timers.map((timer) => timer.wait)).toEqual([7000]);
    await world.pass();
    expect(world.texts()).toEqual(['one']);
  });

  test('a final one is shown with its words, survives a reload, and holds up no other text', async () => {
    const world = new World();
    world.faults = [() => problem(403, { requestId: 'r1' })];
    const outbox = world.open();
    outbox.resume();
    outbox.add('c', 'one');
    outbox.add('c', 'two');
    await world.settle();
    expect(world.texts()).toEqual(['two']);
    expect(world.open().entries.get().map((entry) => entry.failure)).toEqual([{ title: 'title 403', requestId: 'r1' }]);
    outbox.retry(outbox.entries.get()[0]?.clientId ?? '');
    await world.settle();
    expect(world.texts()).toEqual(['two', 'one']);
  });

  test('a refused text can be thrown away', async () => {
    const world = new World();
    world.faults = [() => problem(422)];
    const outbox = world.open();
    outbox.resume();
    const entry = outbox.add('c', 'one');
    await world.settle();
    outbox.discard(entry.clientId);
    expect(world.open().entries.get()).toEqual([]);
  });

  test('when the session is over the text waits for the next one', async () => {
    const world = new World();
    world.faults = [() => problem(401)];
    const outbox = world.open();
    outbox.resume();
    outbox.add('c', 'one');
    await world.settle();
    expect(world.unauthenticated).toBe(1);
    expect(world.timers).toEqual([]);
    const next = world.open();
    next.resume();
    await world.settle();
    expect(world.texts()).toEqual(['one']);
  });

  test('broken storage is skipped', () => {
    const box = memoryBox();
    box.set('outbox:x', '{');
    box.set('outbox:y', '{"clientId":"y"}');
    expect(new World(box).open().entries.get()).toEqual([]);
  });
});
