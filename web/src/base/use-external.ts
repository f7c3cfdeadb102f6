import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

// What stands outside of the components, read at each render; renders again when it has become another value. `subscribe` must stay the
// same function for as long as it means the same thing.
export function useExternal<Value>(subscribe: (listener: () => void) => () => void, read: () => Value): Value {
  const value = read();
  const [, render] = useReducer<number, undefined>((count) => count + 1, 0);
  const shown = useRef({ value, read });
  useLayoutEffect(() => {
    shown.current = { value, read };
  });
  useLayoutEffect(() => {
    const look = () => {
      if (!Object.is(shown.current.read(), shown.current.value)) render(undefined);
    };
    // It may have changed between the render and now.
    look();
    return subscribe(look);
  }, [subscribe]);
  return value;
}
