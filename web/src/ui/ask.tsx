import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Question {
  title: string;
  open: boolean;
  onClose: () => void;
  size?: 'small' | 'large';
  children: ComponentChildren;
}

// A question that must be answered before anything else. Escape and a press beside it mean "no".
export function Ask({ open, ...question }: Question) {
  return open ? <AskDialog {...question} /> : null;
}

// The browser's own dialog: it keeps the focus, hides the rest from everybody, and gives the focus back.
function AskDialog({ title, onClose, size = 'small', children }: Omit<Question, 'open'>) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  // A press counts as one beside the question when it began there, too: not when a text was selected beyond the edge.
  const beganBeside = useRef(false);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return undefined;
    const refuse = (event: Event) => {
      // A file or date picker within sends such an event of its own.
      if (event.target !== element) return;
      event.preventDefault();
      close.current();
    };
    element.showModal();
    (element.querySelector<HTMLElement>('[autofocus]') ?? inside.current)?.focus();
    element.addEventListener('cancel', refuse);
    element.addEventListener('close', refuse);
    return () => {
      element.removeEventListener('cancel', refuse);
      element.removeEventListener('close', refuse);
      element.close();
    };
  }, []);
  return (
    <dialog ref={dialog} className="overlay" aria-labelledby={id}
      onPointerDown={(event) => { beganBeside.current = event.target === dialog.current; }}
      onClick={(event) => { if (beganBeside.current && event.target === dialog.current) onClose(); }}>
      <div className={`modal modal-${size}`}>
        <div ref={inside} className="dialog" tabIndex={-1}>
          <h2 id={id} className="dialog-title">{title}</h2>
          {children}
        </div>
      </div>
    </dialog>
  );
}
