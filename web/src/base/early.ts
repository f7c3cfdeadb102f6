// Answers that were asked for before the code that needs them was there: whose session this is, and their conversations. Each is
// taken once; what is taken later is asked for again. The page names the same addresses as preloads (index.html), so the browser
// has begun with them when this runs.
import type { Channel, Person } from '../api';

interface Early {
  session: Promise<Response>;
  channels: Promise<Response>;
}

let early: Early | null = null;
const api = '/api/v1';
export const sessionPath = `${api}/sessions/current`;

export function askEarly(language: string) {
  const ask = (path: string) => fetch(path, { credentials: 'same-origin', headers: { Accept: 'application/json', 'Accept-Language': language } });
  early = { session: ask(sessionPath), channels: ask(`${api}/channels?limit=200`) };
  // Who takes them hears of a failure; nobody else has to.
  early.session.catch(() => undefined);
  early.channels.catch(() => undefined);
}

const bodyOf = async <Body>(answer: Promise<Response> | undefined): Promise<Body | null> => {
  try {
    const response = await answer;
    return response?.ok ? ((await response.clone().json()) as Body) : null;
  } catch {
    return null;
  }
};

const earlyPerson = async (): Promise<Person | null> => (await bodyOf<{ user: Person }>(early?.session))?.user ?? null;

// The session's answer as if it had been asked for now, once.
let sessionTaken = false;
export function takeEarlySession(): Promise<Response> | null {
  if (!early || sessionTaken) return null;
  sessionTaken = true;
  return early.session.then((response) => response.clone());
}

// The conversations of this person as they stood when the page began; null when there are none or they are another's.
export async function takeEarlyChannels(personId: string): Promise<Channel[] | null> {
  const channels = early?.channels;
  if (!channels || (await earlyPerson())?.id !== personId) return null;
  const reply = await bodyOf<{ items: Channel[] }>(channels);
  early = null;
  return reply?.items ?? null;
}
