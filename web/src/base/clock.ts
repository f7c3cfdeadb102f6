import { useExternal } from './use-external';

// One timer for every running time on the page: all of them change together, once a second.
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of [...listeners]) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function read(step: number) {
  if (timer === undefined) now = Date.now();
  return Math.floor(now / step) * step;
}

// The time in steps of so many milliseconds, at least a second: what shows it is drawn again once a step.
export function useNow(step = 1000): number {
  return useExternal(subscribe, () => read(step));
}
