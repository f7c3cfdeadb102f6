// What only the stand-in can bring about (lost answers, resync, a session that ends), in a real browser; the rest is in tests/e2e: node scripts/browser.mjs [name of a check]
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';

import { startMock } from '../mock/server.mjs';
import { logIn, readOptions, until, withBrowser, write } from './walk.mjs';

const { people } = readOptions([]);
const patience = 10_000;

const messages = (page) => page.getByTestId('messages');
const postsOf = (mock, text) => [...mock.posts.values()].flat().filter((post) => post.text === text);

async function open(browser, url, person, options = {}) {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  if (options.prepare) await page.addInitScript(options.prepare);
  await logIn(page, person);
  return page;
}
const openClient = async (browser, url, options) => {
  const page = await open(browser, url, people.client, options);
  await page.getByTestId('composer').waitFor();
  return page;
};
// Logs the consultant in and opens the first consultation.
const openCase = async (browser, url, options) => {
  const page = await open(browser, url, people.consultant, options);
  await page.locator('.case').first().click();
  await page.getByTestId('composer').waitFor();
  return page;
};
const onlyTask = (mock) => [...mock.tasks.values()][0];

const checks = {
  async 'an answer that is lost repeats nothing'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    let lost = 0;
    await page.route('**/posts', async (route) => {
      if (route.request().method() !== 'POST' || lost >= 1) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort();
    });
    await write(page, 'answer lost');
    await until('the answer was lost', () => lost === 1);
    await page.locator('[data-unsent=true]').waitFor({ state: 'detached' });
    assert.equal(postsOf(mock, 'answer lost').length, 1);
    assert.equal(await messages(page).getByText('answer lost').count(), 1);
  },

  async 'after resync the page reads everything anew'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await until('the socket is open', () => mock.sockets.size === 1);
    const anna = mock.byName('anna');
    const [socket] = mock.sockets;
    mock.sockets.clear();
    mock.post(anna, anna.commonChannelId, 'not told');
    mock.sockets.add(socket);
    mock.send(socket, { type: 'resync', data: { seq: mock.logs.get(anna.id).length } });
    await messages(client).getByText('not told').waitFor();
  },

  async 'a page that is left within the five seconds still solves'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'a question');
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    await consultant.getByTestId('solve').click();
    await consultant.getByTestId('undo').waitFor();
    await consultant.goto('about:blank');
    await until('it is solved', () => onlyTask(mock).substatus === 'solved', 2000);
  },

  async 'an expired session leads to the login, and what was unsent is sent after it'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    await page.context().setOffline(true);
    await page.locator('.connection-bar').waitFor();
    await write(page, 'before the end');
    for (const [token] of mock.sessions) mock.sessions.delete(token);
    await page.context().setOffline(false);
    await page.getByText('Your session has ended').waitFor();
    assert.equal(postsOf(mock, 'before the end').length, 0);
    await logIn(page, people.client);
    await until('it is sent', () => postsOf(mock, 'before the end').length === 1);
    await messages(page).getByText('before the end').waitFor();
  },

  async 'a session that is about to end says so, and one press keeps it'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    await page.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
    const [socket] = mock.sockets;
    mock.send(socket, { type: 'session.expiring', data: { expiresAt: new Date(Date.now() + 60_000).toISOString() } });
    await page.getByTestId('session-ends').getByRole('button', { name: 'Stay logged in' }).click();
    await page.getByTestId('session-ends').waitFor({ state: 'detached' });
  },

  async 'a text that the server refuses says why, and can be sent again or deleted'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    mock.faults.push({ method: 'POST', path: /\/posts$/, status: 403, code: 'chat.read-only' });
    await write(page, 'refused');
    await page.getByText('You can no longer write here').waitFor();
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.locator('[data-unsent=true]').waitFor({ state: 'detached' });
    assert.equal(postsOf(mock, 'refused').length, 1);
  },

  async 'logging out leaves nothing on the device'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(page, 'private words');
    await page.locator('[data-mark=sent]').waitFor();
    await page.getByTestId('composer').fill('a draft');
    await page.locator('.top .button-icon').click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.locator('input[name=username]').waitFor();
    await wait(600);
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => !key.includes('setting'))), []);
    assert.equal(mock.sessions.size, 0);
    await page.goto('/');
    await page.locator('input[name=username]').waitFor();
  },
};

const wanted = process.argv[2];
let failed = 0;
await withBrowser({}, async (browser) => {
  for (const [name, check] of Object.entries(checks)) {
    if (wanted && !name.includes(wanted)) continue;
    const started = await startMock({ pingSeconds: 2 });
    const began = Date.now();
    try {
      await check({ browser, url: started.url, mock: started.mock });
      console.log(`PASS ${name} [${((Date.now() - began) / 1000).toFixed(1)}s]`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${String(error.stack).replace(/\s+/g, ' ')}`);
    } finally {
      for (const context of browser.contexts()) await context.close();
      await started.stop();
    }
  }
});
process.exitCode = failed > 0 ? 1 : 0;
