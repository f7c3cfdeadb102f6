// What the tests do in the windows of a client and of consultants.
import assert from 'node:assert/strict';

import { choosePresence, logIn, widths, withBrowser } from '../../web/scripts/walk.mjs';
import { people, startPlatform } from './platform.mjs';

export { until } from '../../web/scripts/walk.mjs';

// What the consoles of the windows complain about.
export const complaints = [];
const patience = 10_000;

export const messages = (page) => page.getByTestId('messages');
export const message = (page, text) => messages(page).getByText(text, { exact: true });
export const caseOf = (page, name) => page.locator('.case', { hasText: name });

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

/** Each check against a platform of its own, in one browser, a line a check; those alone whose name has the argument of the command
 * line. `settingsOf(name)`: variables of the platform; `atEnd(browser, name)` sees the windows before they are closed. */
export async function runChecks(checks, { settingsOf = () => ({}), atEnd = async () => {} } = {}) {
  const wanted = process.argv[2];
  await withBrowser({}, async (browser) => {
    for (const [name, check] of Object.entries(checks)) {
      if (wanted && !name.includes(wanted)) continue;
      const began = Date.now();
      complaints.length = 0;
      const platform = await startPlatform(settingsOf(name));
      try {
        await check({ browser, url: platform.url, command: platform.command });
        assert.deepEqual(complaints, []);
        console.log(`PASS ${name} [${((Date.now() - began) / 1000).toFixed(1)}s]`);
      } catch (error) {
        process.exitCode = 1;
        console.log(`FAIL ${name}: ${String(error.stack).replace(/\s+/g, ' ')}`);
        for (const context of browser.contexts()) for (const page of context.pages()) console.log(`  ${page.url()} ${await page.title().catch(() => '')}`);
        for (const line of platform.log().split('\n')) if (/"level":"(warn|error)/.test(line)) console.log(line);
      } finally {
        await atEnd(browser, name);
        for (const context of browser.contexts()) await context.close();
        await platform.stop();
      }
    }
  });
}
