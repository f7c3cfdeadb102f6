import { useExternal } from './use-external';

const listeners = new Set<() => void>();
const notify = () => {
  for (const listener of [...listeners]) listener();
};

export function go(path: string, options: { replace?: boolean } = {}) {
  if (path === location.pathname) return;
  history[options.replace ? 'replaceState' : 'pushState'](null, '', path);
  notify();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

export const usePath = () => useExternal(subscribe, () => location.pathname);
