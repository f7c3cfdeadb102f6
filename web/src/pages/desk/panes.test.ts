import { expect, test } from 'vitest';

import { beside, instead, numbersOf, pathOf, shownOf, without } from './panes';

test('the address holds the consultations in the order of the screen', () => {
  expect(numbersOf('/desk')).toEqual([]);
  expect(numbersOf('/desk/')).toEqual([]);
  expect(numbersOf('/desk/MOI-000001+MOI-000002')).toEqual(['MOI-000001', 'MOI-000002']);
  expect(numbersOf('/desk/A+A+B')).toEqual(['A', 'B']);
  expect(pathOf([])).toBe('/desk');
  expect(numbersOf(pathOf(['A', 'B/C']))).toEqual(['A', 'B/C']);
});

test('a press in the list takes the place of the active one', () => {
  expect(instead([], undefined, 'A')).toEqual(['A']);
  expect(instead(['A', 'B'], 'A', 'C')).toEqual(['C', 'B']);
  expect(instead(['A', 'B'], 'B', 'A')).toEqual(['A', 'B']);
  expect(instead(['A'], 'gone', 'B')).toEqual(['B']);
});

test('beside the others, as long as there is room', () => {
  expect(beside(['A'], 'A', 'B', 2)).toEqual(['A', 'B']);
  expect(beside(['A', 'B'], 'A', 'C', 2)).toEqual(['A', 'C']);
  expect(beside(['A', 'B'], 'B', 'C', 2)).toEqual(['B', 'C']);
  expect(beside(['A', 'B'], 'A', 'B', 2)).toEqual(['A', 'B']);
  expect(without(['A', 'B'], 'A')).toEqual(['B']);
});

test('a smaller window keeps the active one', () => {
  expect(shownOf(['A', 'B', 'C'], ['A'], 1)).toEqual(['A']);
  expect(shownOf(['A', 'B', 'C'], ['A'], 2)).toEqual(['A', 'C']);
  expect(shownOf(['A', 'B', 'C'], [undefined], 2)).toEqual(['B', 'C']);
  expect(shownOf(['A', 'B', 'C'], ['B'], 3)).toEqual(['A', 'B', 'C']);
});
