import { forwardRef, type ButtonHTMLAttributes } from 'react';

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled' | 'onClick'> {
  isDisabled?: boolean;
  onPress?: () => void;
}

// The browser's own button: pressed by mouse, finger and keyboard alike, and there before any library is.
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button({ isDisabled = false, onPress, type = 'button', ...others }, ref) {
  return <button ref={ref} type={type} disabled={isDisabled} onClick={onPress && (() => onPress())} {...others} />;
});
