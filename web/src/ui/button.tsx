import type { ButtonHTMLAttributes } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled' | 'onClick'> {
  isDisabled?: boolean;
  onPress?: () => void;
}

// The browser's own button: pressed by mouse, finger and keyboard alike. `autoFocus`: it has the focus as soon as it is there.
export function Button({ isDisabled = false, onPress, type = 'button', autoFocus = false, ...others }: ButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (autoFocus) button.current?.focus();
    // Once: later the person moves the focus.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return <button ref={button} type={type} disabled={isDisabled} autoFocus={autoFocus || undefined} onClick={onPress && (() => onPress())} {...others} />;
}
