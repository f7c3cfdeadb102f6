// What the tests do in the windows of a client and of consultants.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';

import { choosePresence, logIn, widths } from '../../web/scripts/walk.mjs';
import { people } from './platform.mjs';

// What the consoles of the windows complain about.
export const complaints = [];
const patience = 10_000;

export const messages = (page) => page.getByTestId('messages');
export const message = (page, text) => messages(page).getByText(text, { exact: true });
export const caseOf = (page, name) => page.locator('.case', { hasText: name });

export async function until(what, condition, within = patience) {
  const end = Date.now() + within;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) assert.fail(`not within ${within} ms: ${what}`);
    await wait(50);
  }
}

/** `prepare` runs in the page before its own scripts. */
export async function open(browser, url, person, options, prepare) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-US', serviceWorkers: 'block', ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  if (prepare) await page.addInitScript(prepare);
  page.on('pageerror', (error) => complaints.push(`${person.username}: ${error}`));
  page.on('console', (said) => {
    // A call that is refused or cut off by the check itself is written there, too.
    if (said.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(said.text())) complaints.push(`${person.username}: ${said.text()}`);
  });
  await logIn(page, person);
  return page;
}

export async function openClient({ browser, url }, person = people.boris, options = {}) {
  const page = await open(browser, url, person, { viewport: widths.narrow, ...options });
  await page.getByTestId('composer').waitFor();
  return page;
}
export async function openDesk({ browser, url }, person = people.clara, options = {}, prepare = undefined) {
  const page = await open(browser, url, person, { viewport: widths.wide, ...options }, prepare);
  await choosePresence(page, 'online');
  return page;
}
export async function openCase(desk, client) {
  await caseOf(desk, client).first().click();
  await desk.getByTestId('composer').waitFor();
}
export const get = (page, path) => page.evaluate(async (address) => {
  const reply = await fetch(`/api/v1${address}`, { headers: { Accept: 'application/json' } });
  return { status: reply.status, body: await reply.json() };
}, path);
export const onlyTask = async (page) => {
  const { body } = await get(page, '/tasks');
  assert.equal(body.items.length, 1);
  return body.items[0];
};
