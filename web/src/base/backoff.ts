export const firstWait = 500;
export const longestWait = 30_000;

// Full jitter over an exponentially growing window, so that thousands of pages do not come back at the same moment.
// At least a quarter of the window is waited. `chance` is in [0, 1).
export function backoff(attempt: number, chance: number): number {
  const window = Math.min(longestWait, firstWait * 2 ** Math.min(attempt, 20));
  return Math.round(window / 4 + (chance * window * 3) / 4);
}
