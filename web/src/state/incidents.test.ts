import { expect, test } from 'vitest';

import type { Api, Incident } from '../api';
import { ApiError } from '../generated/client';
import { IncidentWatch } from './incidents';

const incident = (key: string) => ({ key, processId: 'p', elementId: 't' }) as unknown as Incident;

function world() {
  let answer: () => Promise<{ items: Incident[]; total?: number }> = () => Promise.resolve({ items: [] });
  const told: string[][] = [];
  const ended: true[] = [];
  const api = { processes: { listIncidents: () => answer() } } as unknown as Api;
  const watch = new IncidentWatch({ api, onSessionOver: () => ended.push(true), onNew: (fresh) => told.push(fresh.map(({ key }) => key)) });
  const say = (...keys: string[]) => {
    answer = () => Promise.resolve({ items: keys.map(incident) });
    return watch.look();
  };
  const answerWith = (next: typeof answer) => {
    answer = next;
  };
  const open = () => watch.open.get().newest.map(({ key }) => key);
  return { watch, told, ended, say, answerWith, open };
}

test('what was there at the beginning is shown, what comes later is told once', async () => {
  const { told, say, open } = world();
  await say('1');
  expect(open()).toEqual(['1']);
  expect(told).toEqual([]);
  await say('2', '1');
  await say('2', '1');
  expect(told).toEqual([['2']]);
  await say('3');
  expect(told).toEqual([['2'], ['3']]);
  expect(open()).toEqual(['3']);
});

test('a list that did not change is the same list', async () => {
  const { watch, say } = world();
  await say('1', '2');
  const before = watch.open.get();
  await say('1', '2');
  expect(watch.open.get()).toBe(before);
});

test('an older one that is seen when newer ones are gone is not new', async () => {
  const { told, say } = world();
  await say('9', '8');
  await say('10', '9');
  await say('8', '7');
  await say('11', '7');
  expect(told).toEqual([['10'], ['11']]);
});

test('all are counted, though only the newest are read', async () => {
  const { watch, answerWith } = world();
  answerWith(() => Promise.resolve({ items: [incident('2')], total: 70 }));
  await watch.look();
  expect(watch.open.get().count).toBe(70);
  answerWith(() => Promise.resolve({ items: [incident('2')], total: 69 }));
  await watch.look();
  expect(watch.open.get().count).toBe(69);
});

test('a failure changes nothing, unless the session is over', async () => {
  const { watch, told, ended, say, answerWith, open } = world();
  await say('1');
  answerWith(() => Promise.reject(new TypeError('offline')));
  await watch.look();
  expect(open()).toEqual(['1']);
  expect(ended).toEqual([]);
  await say('1', '2');
  expect(told).toEqual([['2']]);
  answerWith(() => Promise.reject(new ApiError({ type: 't', title: 't', status: 401, code: 'sessions.required', requestId: 'r' })));
  await watch.look();
  expect(ended).toHaveLength(1);
});

test('an answer that is overtaken or comes after the end counts for nothing', async () => {
  const { watch, say, answerWith, open } = world();
  let late: (reply: { items: Incident[] }) => void = () => undefined;
  answerWith(() => new Promise((resolve) => (late = resolve)));
  const overtaken = watch.look();
  await say('2');
  late({ items: [incident('1')] });
  await overtaken;
  expect(open()).toEqual(['2']);
  answerWith(() => new Promise((resolve) => (late = resolve)));
  const ended = watch.look();
  watch.stop();
  late({ items: [] });
  await ended;
  expect(open()).toEqual(['2']);
});
