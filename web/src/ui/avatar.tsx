import type { PresenceStatus } from '../api';

// Photos of other servers are not loaded (the page makes no foreign requests): initials stand for them.
export function Avatar({ name, presence, bot = false, size = 'medium' }: { name: string; presence?: PresenceStatus | undefined; bot?: boolean; size?: 'small' | 'medium' | 'large' }) {
  return (
    <span className={`avatar avatar-${size}`} data-hue={bot ? 'bot' : hue(name)} aria-hidden="true">
      {bot ? '✚' : initials(name)}
      {presence && <span className="avatar-presence" data-presence={presence} />}
    </span>
  );
}

const initials = (name: string) =>
  name.split(/\s+/u).filter(Boolean).slice(0, 2).map((word) => [...word][0] ?? '').join('').toLocaleUpperCase();

function hue(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % 5;
}
