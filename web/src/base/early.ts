// Answers that were asked for before the code that needs them was there: whose session this is, and their conversations. The page
// names the same addresses as preloads (index.html), so the browser has begun with them when this runs.
import type { Channel, Person } from '../api';

const api = '/api/v1';
export const sessionPath = `${api}/sessions/current`;

// A picture that is gone at once costs more than waiting so long (milliseconds) for what belongs in it.
const patience = 100;

let session: Promise<Response> | null = null;
let person: Person | 'nobody' | undefined;
let channels: Channel[] | null = null;

// Resolves when the answers are there or are not worth waiting for.
export async function askEarly(language: string): Promise<void> {
  const ask = (path: string) => fetch(path, { credentials: 'same-origin', headers: { Accept: 'application/json', 'Accept-Language': language } });
  const asked = ask(sessionPath);
  session = asked;
  const whose = asked.then(async (response) => {
    if (response.ok) person = ((await response.clone().json()) as { user: Person }).user;
    else if (response.status === 401) person = 'nobody';
  });
  const theirs = ask(`${api}/channels?limit=200`).then(async (response) => {
    if (response.ok) channels = ((await response.json()) as { items: Channel[] }).items;
  });
  // Who asks again hears of a failure; nobody else has to.
  await Promise.race([Promise.allSettled([whose, theirs]), new Promise((resolve) => setTimeout(resolve, patience))]);
}

// Whose session this is, when that is known already.
export const earlyPerson = (): Person | 'nobody' | undefined => person;

// The session's answer as if it had been asked for now, once.
export function takeEarlySession(): Promise<Response> | null {
  const taken = session;
  session = null;
  return taken;
}

// The conversations of this person as they stood when the page began, once; null when they are not there or are another's.
export function takeEarlyChannels(personId: string): Channel[] | null {
  const taken = typeof person === 'object' && person.id === personId ? channels : null;
  channels = null;
  return taken;
}
