// Which consultations stand side by side; the address holds them, so that a reload and the back button do, too:
// /desk/MOI-000001+MOI-000004, in the order of the screen.
import { useExternal } from '../../base/use-external';

const root = '/desk';

export function numbersOf(path: string): readonly string[] {
  if (!path.startsWith(`${root}/`)) return [];
  return [...new Set(path.slice(root.length + 1).split('+').map(decodeURIComponent).filter(Boolean))];
}

export const pathOf = (numbers: readonly string[]) => (numbers.length === 0 ? root : `${root}/${numbers.map(encodeURIComponent).join('+')}`);

// In the place of the active one.
export function instead(numbers: readonly string[], active: string | undefined, number: string): readonly string[] {
  if (numbers.includes(number)) return numbers;
  const place = active === undefined ? -1 : numbers.indexOf(active);
  return place < 0 ? [number] : numbers.map((each, index) => (index === place ? number : each));
}

// Beside the others; where there is no room left, the first one goes that is not active.
export function beside(numbers: readonly string[], active: string | undefined, number: string, room: number): readonly string[] {
  if (numbers.includes(number)) return numbers;
  return shownOf([...numbers, number], [active, number], room);
}

export const without = (numbers: readonly string[], number: string) => numbers.filter((each) => each !== number);

// What a window with less room than consultations shows: those that must be seen, then the last ones.
export function shownOf(numbers: readonly string[], wanted: readonly (string | undefined)[], room: number): readonly string[] {
  const spare = numbers.filter((each) => !wanted.includes(each));
  const needed = numbers.filter((each) => wanted.includes(each)).slice(-room);
  const kept = new Set([...needed, ...spare.slice(spare.length - Math.min(spare.length, room - needed.length))]);
  return numbers.filter((each) => kept.has(each));
}

// Window widths from which two and three consultations can be read side by side; desk.css has the same.
const widths = [1180, 1640];
let steps: MediaQueryList[] | undefined;
const queries = () => (steps ??= widths.map((width) => matchMedia(`(min-width: ${width}px)`)));

function subscribe(listener: () => void) {
  for (const step of queries()) step.addEventListener('change', listener);
  return () => {
    for (const step of queries()) step.removeEventListener('change', listener);
  };
}

export const useRoom = () => useExternal(subscribe, () => 1 + queries().filter((step) => step.matches).length);
