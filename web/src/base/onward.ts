// Where a login leads when another part of this server sent the person here: `/login?next=…`.
export interface Onward {
  // Path and query on this server.
  path: string;
  // Also who is logged in gives the password.
  again: boolean;
}

// Null for every address that is not a path of `origin`: nobody is led to another site by a link to this one.
export function onwardOf(search: string, origin: string): Onward | null {
  const asked = new URLSearchParams(search);
  const next = asked.get('next');
  if (next === null || !next.startsWith('/')) return null;
  try {
    const address = new URL(next, origin);
    if (address.origin !== origin || address.pathname === '/login') return null;
    // `/..//elsewhere` is a path of this server, but what is left of it is an address of another one.
    if (address.pathname.startsWith('//')) return null;
    return { path: address.pathname + address.search, again: asked.get('again') === '1' };
  } catch {
    return null;
  }
}
