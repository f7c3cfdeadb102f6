import { expect, test } from 'vitest';

import { undoFor, UndoQueue } from './undo';

function world() {
  const timers = new Map<number, () => void>();
  let last = 0;
  const queue = new UndoQueue({
    now: () => 100,
    later: (milliseconds, run) => {
      expect(milliseconds).toBe(undoFor);
      const id = (last += 1);
      timers.set(id, run);
      return () => void timers.delete(id);
    },
  });
  const done: string[] = [];
  const run = (id: string) => queue.add(id, (leaving) => done.push(`${id}${leaving ? ' leaving' : ''}`));
  const pass = () => {
    for (const timer of [...timers.values()]) timer();
  };
  return { queue, timers, done, run, pass };
}

test('it is done after five seconds, once', () => {
  const { queue, done, run, pass } = world();
  run('a');
  expect(queue.pending.get()).toEqual([{ id: 'a', due: 100 + undoFor }]);
  expect(done).toEqual([]);
  pass();
  pass();
  queue.flush();
  expect(done).toEqual(['a']);
  expect(queue.pending.get()).toEqual([]);
});

test('taken back in time, it is not done', () => {
  const { queue, timers, done, run, pass } = world();
  run('a');
  queue.undo('a');
  expect(timers.size).toBe(0);
  pass();
  queue.flush();
  expect(done).toEqual([]);
});

test('a page that goes away does it at once, and not again', () => {
  const { queue, done, run, pass } = world();
  run('a');
  run('b');
  queue.flush();
  pass();
  expect(done).toEqual(['a leaving', 'b leaving']);
});

test('the same one twice is one, and it can be asked for again later', () => {
  const { done, run, pass } = world();
  run('a');
  run('a');
  pass();
  expect(done).toEqual(['a']);
  run('a');
  pass();
  expect(done).toEqual(['a', 'a']);
});
