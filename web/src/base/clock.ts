import { useSyncExternalStore } from 'react';

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

function read() {
  if (timer === undefined) now = Date.now();
  return Math.floor(now / 1000) * 1000;
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, read);
}
