import { useExternal } from './use-external';

const listeners = new Set<() => void>();

// The page that is shown. The address may be another one for a moment: the browser's Back changes it before anybody can be asked.
let shown: string | undefined;
const path = () => (shown ??= location.pathname);
// Where it stands among the pages that the browser remembers; each is marked with its number.
let place = 0;
const markedPlace = () => (history.state as { place?: number } | null)?.place ?? 0;

interface Kept {
  path: string;
  ask: (leave: () => void) => boolean;
}
let kept: Kept | null = null;
// The address is on its way back to the page that is kept.
let isReturning = false;
const overlays = new Set<string>();

function show() {
  shown = location.pathname;
  place = markedPlace();
  for (const listener of [...listeners]) listener();
}

// A page from which the person could lose something: `ask` is told of each way out of it, and says whether it keeps them until it calls
// `leave`.
export function keepPage(ask: Kept['ask']): () => void {
  const mine = { path: path(), ask };
  kept = mine;
  return () => {
    if (kept === mine) kept = null;
  };
}

// Pages at these addresses lie over another one, which goes on below.
export const liesOver = (address: string) => overlays.add(address);

const asks = (leave: () => void) => kept?.ask(() => {
  kept = null;
  leave();
}) ?? false;
const isWayOut = (to: string) => to !== kept?.path && !overlays.has(to);

// Does what takes the person away from their page, if they do not mind.
export function leaveFor(what: () => void) {
  if (!asks(what)) what();
}

export function go(to: string, options: { replace?: boolean } = {}) {
  if (to === path()) return;
  const move = () => {
    if (options.replace) history.replaceState({ place }, '', to);
    else history.pushState({ place: place + 1 }, '', to);
    show();
  };
  if (!options.replace && isWayOut(to) && asks(move)) return;
  move();
}

// Back and Forward.
function follow() {
  if (isReturning) {
    isReturning = false;
    return;
  }
  const steps = markedPlace() - place;
  if (steps !== 0 && isWayOut(location.pathname) && asks(() => history.go(steps))) {
    isReturning = true;
    history.go(-steps);
    return;
  }
  show();
}

function subscribe(listener: () => void) {
  if (listeners.size === 0) {
    place = markedPlace();
    addEventListener('popstate', follow);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) removeEventListener('popstate', follow);
  };
}

export const usePath = () => useExternal(subscribe, path);
