import type { ComponentChildren } from 'preact';

import { go } from '../../base/router';

// An address of the office; with a key held it opens as the browser's own.
export function Link({ to, className = 'link', children, ...others }: { to: string; className?: string; children: ComponentChildren; 'data-testid'?: string }) {
  return (
    <a href={to} className={className} {...others} onClick={(event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      go(to);
    }}>{children}</a>
  );
}
