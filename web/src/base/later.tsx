import { createElement, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

// A load that fails is tried again after so many milliseconds.
const againAfter = 2000;

// A part of the program that comes when it is first shown; `waiting` is shown until it is there.
export function later<Properties extends object>(load: () => Promise<{ default: ComponentType<Properties> }>) {
  let loaded: ComponentType<Properties> | null = null;
  return function Later({ waiting, properties }: { waiting: ComponentChildren; properties: Properties }) {
    const [, setThere] = useState(loaded !== null);
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
      if (loaded) return undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let current = true;
      load().then(
        (part) => {
          loaded = part.default;
          if (current) setThere(true);
        },
        () => {
          if (current) timer = setTimeout(() => setAttempt(attempt + 1), againAfter);
        },
      );
      return () => {
        current = false;
        clearTimeout(timer);
      };
    }, [attempt]);
    return loaded ? createElement(loaded, properties) : <>{waiting}</>;
  };
}
