// What people rely on, in a real browser against the stand-in: node scripts/browser.mjs [name of a check]
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';

import { startMock } from '../mock/server.mjs';
import { logIn, readOptions, withBrowser, write } from './walk.mjs';

const { people } = readOptions([]);
const patience = 10_000;

const messages = (page) => page.getByTestId('messages');
const postsOf = (mock, text) => [...mock.posts.values()].flat().filter((post) => post.text === text);

async function until(what, condition, within = patience) {
  const end = Date.now() + within;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) assert.fail(`not within ${within} ms: ${what}`);
    await wait(50);
  }
}

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
  async 'what was written offline survives a reload without network and is sent once'({ browser, url, mock }) {
    const page = await openClient(browser, url);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await until('the files of the page are kept', () => page.evaluate(async () => {
      for (const name of await caches.keys()) {
        const kept = (await (await caches.open(name)).keys()).map((request) => request.url);
        if (kept.some((file) => file.includes('client-page'))) return true;
      }
      return false;
    }));
    await page.context().setOffline(true);
    await page.locator('.connection-bar').waitFor();
    await write(page, 'written offline');
    await page.locator('[data-unsent=true]').waitFor();
    // The browser's own switch does not reach what passes by the service worker.
    mock.down = true;
    await page.reload();
    await page.locator('[data-unsent=true]', { hasText: 'written offline' }).waitFor();
    await wait(1000);
    assert.equal(postsOf(mock, 'written offline').length, 0);
    mock.down = false;
    await page.context().setOffline(false);
    await page.locator('[data-unsent=true]').waitFor({ state: 'detached' });
    await page.reload();
    await messages(page).getByText('written offline').waitFor();
    assert.equal(await messages(page).getByText('written offline').count(), 1);
    assert.equal(postsOf(mock, 'written offline').length, 1);
  },

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

  async 'the last history is on screen before the server answers'({ browser, url, mock }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(page, 'remember me');
    await page.locator('[data-mark=sent]').waitFor();
    await wait(600);
    mock.delay = 4000;
    mock.refuseSockets = true;
    const started = Date.now();
    await page.reload();
    await messages(page).getByText('remember me').waitFor();
    assert.ok(Date.now() - started < 3500, 'the history waited for the server');
    assert.notEqual(await page.getByTestId('connection').getAttribute('data-phase'), 'open');
  },

  async 'a dropped socket comes back with what was missed, once'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'first question');
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    await client.context().setOffline(true);
    for (const socket of [...mock.sockets]) if (mock.users.get(socket.userId).username === 'anna') socket.terminate();
    for (const text of ['missed one', 'missed two']) await write(consultant, text);
    await until('both are stored', () => postsOf(mock, 'missed two').length === 1);
    await client.context().setOffline(false);
    await messages(client).getByText('missed two').waitFor();
    for (const text of ['missed one', 'missed two']) assert.equal(await messages(client).getByText(text).count(), 1);
  },

  async 'after resync the page reads everything anew'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await until('the socket is open', () => mock.sockets.size === 1);
    const anna = mock.byName('anna');
    const [socket] = mock.sockets;
    mock.sockets.clear();
    mock.post(anna, anna.commonChannelId, 'not told');
    mock.sockets.add(socket);
    mock.send(socket, { type: 'resync', data: {} });
    await messages(client).getByText('not told').waitFor();
  },

  async 'typing, sent and read are seen'({ browser, url }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'do you see this');
    await client.locator('[data-mark=sent]').waitFor();
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    await consultant.bringToFront();
    await client.locator('[data-mark=read]').waitFor();
    await consultant.getByTestId('composer').fill('yes');
    await client.getByTestId('typing').getByText('Clara Novak').waitFor();
  },

  async 'a draft survives a reload, one a conversation'({ browser, url }) {
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    await page.getByTestId('composer').fill('half a thou');
    await page.reload();
    await page.getByTestId('composer').waitFor();
    assert.equal(await page.getByTestId('composer').inputValue(), 'half a thou');
  },

  async 'solved can be taken back for five seconds'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'a question');
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    await consultant.getByTestId('solve').click();
    await consultant.getByTestId('undo').click();
    await wait(5500);
    assert.equal(onlyTask(mock).status, 'open');
    await consultant.getByTestId('solve').click();
    await wait(2000);
    assert.equal(onlyTask(mock).status, 'open');
    await until('it is solved', () => onlyTask(mock).substatus === 'solved');
    await client.locator('[data-action=yes]').click();
    await client.locator('.actions-thanks').waitFor();
    await client.locator('.actions-words textarea').fill('Very kind');
    await client.locator('.actions-words button').click();
    await until('the words are stored with the task', () => onlyTask(mock).feedback?.text === 'Very kind');
    assert.equal(onlyTask(mock).feedback.answer, 'yes');
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

  async 'a consultation is returned with a reason'({ browser, url, mock }) {
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'a question');
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    await consultant.getByTestId('return').click();
    await consultant.getByText('Something else').click();
    await consultant.locator('.dialog button[type=submit]').click();
    await consultant.locator('.field-error').waitFor();
    await consultant.locator('.dialog textarea').fill('Needs a lawyer');
    await consultant.locator('.dialog button[type=submit]').click();
    await until('it is in the queue', () => onlyTask(mock).substatus === 'on-assignment');
    assert.equal(mock.history.get(onlyTask(mock).id)[0].reason, 'Needs a lawyer');
    await client.getByTestId('queue-card').waitFor();
    await consultant.locator('.case').waitFor({ state: 'detached' });
  },

  async 'with "no new ones" nothing new comes'({ browser, url, mock }) {
    const consultant = await open(browser, url, people.consultant, { serviceWorkers: 'block' });
    await consultant.getByTestId('presence').click();
    await consultant.getByRole('menuitemradio', { name: 'No new ones' }).click();
    await until('the server knows', () => mock.presence.get(mock.byName('clara').id) === 'dnd');
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'anybody there');
    await client.getByTestId('queue-card').waitFor();
    await wait(500);
    assert.equal(await consultant.locator('.case').count(), 0);
    await consultant.getByTestId('presence').click();
    await consultant.getByRole('menuitemradio', { name: 'Online' }).click();
    await consultant.locator('.case').waitFor();
  },

  async 'several consultations side by side: unread counts, a draft each'({ browser, url }) {
    const anna = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(anna, 'question of Anna');
    const consultant = await openCase(browser, url, { serviceWorkers: 'block' });
    const boris = await open(browser, url, { ...people.client, username: 'boris' }, { serviceWorkers: 'block' });
    await write(boris, 'question of Boris');
    await consultant.locator('.case').nth(1).waitFor();
    await consultant.getByTestId('composer').fill('draft for Anna');
    await consultant.locator('.case', { hasText: 'Boris' }).getByTestId('unread').waitFor();
    await consultant.locator('.case', { hasText: 'Boris' }).click();
    await messages(consultant).getByText('question of Boris').waitFor();
    assert.equal(await consultant.getByTestId('composer').inputValue(), '');
    await write(anna, 'one more');
    await consultant.locator('.case', { hasText: 'Anna' }).getByTestId('unread').waitFor();
    await consultant.locator('.case', { hasText: 'Anna' }).click();
    assert.equal(await consultant.getByTestId('composer').inputValue(), 'draft for Anna');
    await consultant.getByTestId('unread').waitFor({ state: 'detached' });
  },

  async 'a hidden desk tells of a new consultation by sound, title and notification'({ browser, url }) {
    const consultant = await open(browser, url, people.consultant, {
      serviceWorkers: 'block',
      prepare: () => {
        globalThis.told = [];
        globalThis.tones = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function counted(...rest) {
          globalThis.tones += 1;
          return start.apply(this, rest);
        };
        // eslint-disable-next-line @typescript-eslint/no-extraneous-class
        globalThis.Notification = class {
          static permission = 'granted';
          constructor(title, options) {
            globalThis.told.push(`${title}: ${options.body}`);
          }
        };
      },
    });
    await consultant.getByTestId('presence').waitFor();
    await consultant.mouse.click(640, 500);
    await consultant.evaluate(() => Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' }));
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'my secret illness');
    const asked = Date.now();
    await until('the title changes', async () => (await consultant.title()).startsWith('New consultation!'), 1000);
    assert.ok(Date.now() - asked < 1000);
    assert.deepEqual(await consultant.evaluate(() => globalThis.told), ['New consultation: Anna Berg is waiting for your answer']);
    assert.equal(await consultant.evaluate(() => globalThis.tones), 2);
    await consultant.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { get: () => 'visible' });
      dispatchEvent(new Event('focus'));
    });
    await until('the title is itself again', async () => !(await consultant.title()).startsWith('New consultation!'));
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

  async 'the keyboard alone is enough'({ browser, url, mock }) {
    const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 }, locale: 'en-US', serviceWorkers: 'block' });
    const page = await context.newPage();
    await page.goto('/login');
    await page.locator('input[name=username]').waitFor();
    const tabTo = async (what, matches) => {
      for (let presses = 0; presses < 40; presses += 1) {
        if (await page.evaluate(matches)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`the keyboard does not reach ${what}`);
    };
    await tabTo('the login name', () => document.activeElement?.getAttribute('name') === 'username');
    await page.keyboard.type(people.consultant.username);
    await page.keyboard.press('Tab');
    await page.keyboard.type(people.consultant.password);
    await page.keyboard.press('Enter');
    await page.getByTestId('presence').waitFor();
    const client = await openClient(browser, url, { serviceWorkers: 'block' });
    await write(client, 'a question');
    await page.locator('.case').waitFor();
    await tabTo('the consultation', () => document.activeElement?.classList.contains('case') ?? false);
    await page.keyboard.press('Enter');
    await page.getByTestId('composer').waitFor();
    await tabTo('the composer', () => document.activeElement?.tagName === 'TEXTAREA');
    await page.keyboard.type('an answer');
    await page.keyboard.press('Enter');
    await until('it is sent', () => postsOf(mock, 'an answer').length === 1);
    await tabTo('return', () => document.activeElement?.getAttribute('data-testid') === 'return');
    await page.keyboard.press('Enter');
    await page.locator('.dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.dialog').waitFor({ state: 'detached' });
    await tabTo('solve', () => document.activeElement?.getAttribute('data-testid') === 'solve');
    await page.keyboard.press('Enter');
    await tabTo('undo', () => document.activeElement?.getAttribute('data-testid') === 'undo');
    await page.keyboard.press('Enter');
    await page.getByTestId('undo').waitFor({ state: 'detached' });
    await tabTo('the settings', () => document.activeElement?.getAttribute('aria-label') === 'Settings');
    await page.keyboard.press('Enter');
    await page.locator('.menu').waitFor();
    for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key);
    await page.locator('html[lang=ru]').waitFor();
  },

  async 'what people write is never more than text'({ browser, url }) {
    const complaints = [];
    const page = await openClient(browser, url, { serviceWorkers: 'block' });
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>[x](javascript:alert(3))';
    await write(page, evil);
    await messages(page).getByText(evil, { exact: true }).waitFor();
    assert.equal(await messages(page).locator('img, script, a[href^=javascript]').count(), 0);
    assert.deepEqual(complaints, []);
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
      console.log(`PASS web: ${name} [${((Date.now() - began) / 1000).toFixed(1)}s]`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL web: ${name}: ${String(error.stack).replace(/\s+/g, ' ')}`);
    } finally {
      for (const context of browser.contexts()) await context.close();
      await started.stop();
    }
  }
});
process.exitCode = failed > 0 ? 1 : 0;
