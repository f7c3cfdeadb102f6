import { expect, test } from 'vitest';

import { backoff, firstWait, longestWait } from './backoff';

test('the window doubles and is bounded', () => {
  expect(backoff(0, 0.999999)).toBe(firstWait);
  expect(backoff(1, 0.999999)).toBe(2 * firstWait);
  expect(backoff(100, 0.999999)).toBe(longestWait);
});

test('it never waits less than a quarter of the window', () => {
  for (let attempt = 0; attempt < 12; attempt += 1) {
    expect(backoff(attempt, 0)).toBeGreaterThanOrEqual(firstWait / 4);
    expect(backoff(attempt, 0)).toBeLessThan(backoff(attempt, 0.5));
  }
});
