import { useEffect, useState } from 'react';

// Parts that nobody has asked for yet are loaded so many milliseconds after the page is there, so that they work without a network, too.
const aheadAfter = 2000;

// A part of the page that is not needed to begin with: null until it is there. A load that fails is tried again at the next wish.
export function usePart<Part>(load: () => Promise<Part>, wanted: boolean): Part | null {
  const [part, setPart] = useState<{ part: Part } | null>(null);
  useEffect(() => {
    if (part) return undefined;
    let current = true;
    const fetchIt = () => load().then((loaded) => { if (current) setPart({ part: loaded }); }, () => undefined);
    const timer = setTimeout(() => void fetchIt(), wanted ? 0 : aheadAfter);
    return () => {
      current = false;
      clearTimeout(timer);
    };
    // `load` is a function of a module: it does not change.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [wanted, part]);
  return part?.part ?? null;
}
