// A client on a phone and consultants at a desk talk through the real program in a real browser:
//   node tests/e2e/browser_test.mjs [part of a check's name]        SCREENSHOTS=folder keeps a picture of both sides of each check
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { choosePresence, logIn, widths, write } from '../../web/scripts/walk.mjs';
import { people } from './platform.mjs';
import { caseOf, get, message, messages, onlyTask, open, openCase, openClient, openDesk, runChecks, until } from './windows.mjs';

const undoTime = 5000;
const firstLoad = 52_000;

// A client whose question is open at a consultant.
async function talk(platform) {
  const client = await openClient(platform);
  await write(client, 'My ear has been ringing since yesterday');
  await client.getByTestId('queue-card').waitFor();
  const desk = await openDesk(platform);
  await openCase(desk, 'Boris Brown');
  return { client, desk };
}
async function setPassword({ browser, url }, link, password) {
  const page = await (await browser.newContext({ baseURL: url, locale: 'en-US', serviceWorkers: 'block' })).newPage();
  await page.goto(link);
  for (const name of ['new-password', 'repeat-password']) await page.locator(`input[name=${name}]`).fill(password);
  await page.locator('button[type=submit]').click();
  return page;
}
// Runs in the page: what it would sound and show.
function recordAlerts() {
  globalThis.told = [];
  globalThis.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function counted(...rest) {
    globalThis.tones += 1;
    return start.apply(this, rest);
  };
  // A browser without windows shows none; what the page asks for is kept, and so is the way to press it.
  globalThis.Notification = class {
    static permission = 'granted';
    constructor(title, options) {
      globalThis.told.push({ text: `${title}: ${options.body}`, press: () => this.onclick() });
    }
    close() {}
  };
}
const hide = (page) => page.evaluate(() => Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' }));

const checks = {
  async 'the bot answers a greeting, and no consultant is called'(platform) {
    const client = await openClient(platform);
    await write(client, 'Hello');
    await messages(client).getByText('How can I help?').waitFor();
    await wait(500);
    assert.equal(await client.getByTestId('queue-card').count(), 0);
    assert.deepEqual((await get(client, '/tasks')).body.items, []);
  },

  async 'the bot answers in Russian'(platform) {
    const client = await openClient(platform, people.anna, { locale: 'ru-RU' });
    await client.locator('html[lang=ru]').waitFor();
    await messages(client).getByText('Anna').first().waitFor();
    await write(client, 'Здравствуйте');
    await messages(client).getByText('Здравствуйте! Чем помочь').waitFor();
  },

  async 'another question calls a consultant; both see each other, the words, typing and read marks'(platform) {
    const { client, desk } = await talk(platform);
    await client.getByTestId('consultant').getByText('Clara Clark').waitFor();
    await messages(client).getByText('Your consultant is Clara Clark').waitFor();
    await desk.getByRole('heading', { name: 'Boris Brown' }).first().waitFor();
    await message(desk, 'My ear has been ringing since yesterday').waitFor();
    await messages(desk).getByText('The client is Boris Brown').waitFor();
    await client.getByTestId('queue-card').waitFor({ state: 'detached' });

    await desk.bringToFront();
    await client.locator('[data-mark=read]').last().waitFor();
    await desk.getByTestId('composer').pressSequentially('Good day');
    await client.getByTestId('typing').getByText('Clara Clark').waitFor();
    await desk.getByTestId('composer').press('Enter');
    await message(client, 'Good day').waitFor();
    await client.bringToFront();
    await desk.locator('[data-mark=read]').last().waitFor();
    await client.getByTestId('composer').pressSequentially('It rings');
    await desk.getByTestId('typing').getByText('Boris Brown').waitFor();
    await write(client, 'It rings louder at night');
    await message(desk, 'It rings louder at night').waitFor();
    assert.equal((await onlyTask(desk)).substatus, 'in-progress');
  },

  async 'two clients side by side: unread counts, a draft each, drafts survive a reload'(platform) {
    const { client, desk } = await talk(platform);
    const anna = await openClient(platform, people.anna, { locale: 'ru-RU' });
    await write(anna, 'Вопрос Анны');
    await caseOf(desk, 'Anna Ivanova').waitFor();
    await desk.getByTestId('composer').fill('draft for Boris');
    await caseOf(desk, 'Anna Ivanova').getByTestId('unread').waitFor();
    await openCase(desk, 'Anna Ivanova');
    await message(desk, 'Вопрос Анны').waitFor();
    assert.equal(await desk.getByTestId('composer').inputValue(), '');
    await write(client, 'one more');
    await caseOf(desk, 'Boris Brown').getByTestId('unread').getByText('1', { exact: true }).waitFor();
    await write(client, 'and another');
    await caseOf(desk, 'Boris Brown').getByTestId('unread').getByText('2', { exact: true }).waitFor();
    await openCase(desk, 'Boris Brown');
    assert.equal(await desk.getByTestId('composer').inputValue(), 'draft for Boris');
    await desk.getByTestId('unread').waitFor({ state: 'detached' });
    await desk.reload();
    await desk.getByTestId('composer').waitFor();
    assert.equal(await desk.getByTestId('composer').inputValue(), 'draft for Boris');
    await client.getByTestId('composer').fill('half a thou');
    await client.reload();
    await client.getByTestId('composer').waitFor();
    assert.equal(await client.getByTestId('composer').inputValue(), 'half a thou');
  },

  async 'a consultation returned with a reason goes to another consultant'(platform) {
    const { client, desk } = await talk(platform);
    await desk.getByTestId('return').click();
    await desk.getByText('Something else').click();
    await desk.locator('.dialog button[type=submit]').click();
    await desk.locator('.field-error').waitFor();
    await desk.locator('.dialog textarea').fill('Needs a lawyer');
    await desk.locator('.dialog button[type=submit]').click();
    await caseOf(desk, 'Boris Brown').waitFor({ state: 'detached' });
    await client.getByTestId('queue-card').waitFor();
    const other = await openDesk(platform, people.david);
    await openCase(other, 'Boris Brown');
    await message(other, 'My ear has been ringing since yesterday').waitFor();
    const history = (await get(other, `/tasks/${(await onlyTask(other)).id}/history`)).body.items;
    assert.ok(history.some((entry) => entry.transition === 'return' && entry.reason === 'Needs a lawyer'), JSON.stringify(history));
    await client.getByTestId('consultant').getByText('David Danilov').waitFor();
  },

  async 'a consultant who pauses gets nothing new until online again'(platform) {
    const desk = await openDesk(platform);
    await choosePresence(desk, 'dnd');
    const client = await openClient(platform);
    await write(client, 'Is anybody there');
    await client.getByTestId('queue-card').waitFor();
    await wait(1500);
    assert.equal(await desk.locator('.case').count(), 0);
    await choosePresence(desk, 'online');
    await caseOf(desk, 'Boris Brown').waitFor();
    await client.getByTestId('queue-card').waitFor({ state: 'detached' });
  },

  async 'solved can be taken back for five seconds; then the client is told and answers by one tap'(platform) {
    const { client, desk } = await talk(platform);
    await write(desk, 'Please rest');
    await message(client, 'Please rest').waitFor();
    await desk.getByTestId('solve').click();
    await desk.getByTestId('undo').click();
    await wait(undoTime + 500);
    assert.equal((await onlyTask(desk)).status, 'open');
    await desk.getByTestId('solve').click();
    await client.locator('[data-action=yes]').waitFor();
    const { id, substatus } = await onlyTask(desk);
    assert.equal(substatus, 'solved');
    await until('no feedback is told before it is given', async () => (await get(client, `/tasks/${id}/feedback`)).status === 404);
    await client.locator('[data-action=yes]').click();
    await client.locator('.actions-thanks').waitFor();
    await until('the answer is stored with the task', async () => (await get(client, `/tasks/${id}/feedback`)).body.answer === 'yes');
    await client.locator('.actions-words textarea').fill('Very kind');
    await client.locator('.actions-words button').click();
    await until('the words are stored, too', async () => (await get(desk, `/tasks/${id}/feedback`)).body.text === 'Very kind');
    await desk.getByTestId('feedback').getByText('Very kind').first().waitFor();
  },

  async 'a solved case stays on the desk when the client asks anew; both stand side by side'(platform) {
    const { client, desk } = await talk(platform);
    await write(desk, 'Please rest');
    await desk.getByTestId('solve').click();
    await client.locator('[data-action=yes]').waitFor();
    await write(client, 'Now a new question altogether');
    const [first, second] = [desk.locator('[data-task=MOI-000001]'), desk.locator('[data-task=MOI-000002]')];
    await second.waitFor();
    assert.equal(await first.getAttribute('data-status'), 'solved');
    assert.equal(await second.getAttribute('data-status'), 'assigned');
    await client.getByText('MOI-000002').first().waitFor({ state: 'attached' });
    await desk.locator('.case-beside').click();
    const pane = (number) => desk.locator(`[data-pane=${number}]`);
    await message(pane('MOI-000002'), 'Now a new question altogether').waitFor();
    await message(pane('MOI-000001'), 'Please rest').waitFor();
    assert.equal(await message(pane('MOI-000001'), 'Now a new question altogether').count(), 0, 'it belongs to the second case');
    assert.equal(await pane('MOI-000001').getByTestId('composer').count(), 0);
    await write(pane('MOI-000002'), 'An answer to the second');
    await message(client, 'An answer to the second').waitFor();
    await desk.reload();
    await message(pane('MOI-000002'), 'An answer to the second').waitFor();
    await pane('MOI-000001').waitFor();
    await pane('MOI-000001').getByRole('button', { name: 'Close Boris Brown' }).click();
    await pane('MOI-000001').waitFor({ state: 'detached' });
    await pane('MOI-000002').getByTestId('solve').click();
    await until('both are solved', async () => (await get(desk, '/tasks?status=closed')).body.items.length === 2);
    await desk.reload();
    await desk.locator('[data-task=MOI-000001][data-status=solved]').waitFor();
    await desk.locator('[data-task=MOI-000002][data-status=solved]').waitFor();
  },

  async 'the first load of the client page is small'({ browser, url }) {
    const context = await browser.newContext({ baseURL: url, viewport: widths.narrow, locale: 'ru-RU', serviceWorkers: 'block' });
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    let bytes = 0;
    network.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await network.send('Network.enable');
    await logIn(page, people.anna);
    await page.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
    await messages(page).getByText('Anna').first().waitFor();
    console.log(`first load of the client page: ${bytes} bytes on the wire of ${firstLoad} allowed`);
    assert.ok(bytes > 40_000, 'everything was counted');
    assert.ok(bytes <= firstLoad, `${bytes} bytes`);
  },

  async 'one sees where one is logged in, ends the others, and changes the password'({ browser, url }) {
    const here = { browser, url };
    const desk = await openDesk(here);
    const [forgotten, second] = [await open(browser, url, people.clara, { viewport: widths.narrow }), await open(browser, url, people.clara, { viewport: widths.narrow })];
    for (const page of [forgotten, second]) await page.getByTestId('presence').waitFor();
    const account = async (page) => {
      await page.locator('.top .button-icon').last().click();
      await page.getByRole('menuitem', { name: 'Sessions and password' }).click();
      await page.locator('.logins li').first().waitFor();
    };
    await account(desk);
    assert.equal(new URL(desk.url()).pathname, '/account');
    await until('all three are listed', async () => (await desk.locator('.logins li').count()) === 3);
    assert.match(await desk.locator('[data-session=current]').innerText(), /Chrome on Linux[^]*this device/);
    await desk.locator('[data-session=other]').first().getByRole('button').click();
    await until('one is ended', async () => (await desk.locator('.logins li').count()) === 2);
    await desk.locator('[data-session=other]').getByRole('button').click();
    await until('the other, too', async () => (await desk.locator('.logins li').count()) === 1);
    for (const page of [forgotten, second]) await page.getByText('Your session has ended').waitFor();

    // The desk goes on below: its consultant is still there for a client who asks meanwhile.
    const client = await openClient(here);
    await write(client, 'Is anybody there?');
    await client.getByTestId('consultant').getByText('Clara Clark').waitFor();

    const change = async (current, next) => {
      await desk.locator('input[name=current-password]').fill(current);
      for (const name of ['new-password', 'repeat-password']) await desk.locator(`input[name=${name}]`).fill(next);
      await desk.locator('.account-part button[type=submit]').click();
    };
    const next = 'a new password of clara';
    await change('not the password', next);
    await desk.locator('.dialog').getByRole('alert').waitFor();
    await change(people.clara.password, next);
    await desk.getByText('The password is changed').waitFor();
    await desk.keyboard.press('Escape');
    await caseOf(desk, 'Boris Brown').waitFor();
    const again = await open(browser, url, people.clara, { viewport: widths.narrow });
    await again.getByRole('alert').waitFor();
    await logIn(again, { ...people.clara, password: next });
    await again.getByTestId('presence').waitFor();
    await account(again);
    await until('both are listed', async () => (await again.locator('.logins li').count()) === 2);
  },

  async 'the office makes people, finds them, and gives a consultation to somebody else'(platform) {
    const { desk } = await talk(platform);
    const other = await openDesk(platform, people.david);
    const office = await open(platform.browser, platform.url, people.admin, { viewport: widths.wide });
    await office.locator('[data-part=people]').click();
    await office.getByTestId('new-person').click();
    await office.locator('select[name=kind]').selectOption('consultant');
    for (const [name, text] of Object.entries({ firstName: 'Eva', lastName: 'Green', email: 'eva@example.org' })) await office.locator(`input[name=${name}]`).fill(text);
    await office.locator('.dialog button[type=submit]').click();
    await office.getByText('Choose at least one group').waitFor();
    await office.locator('input[name=consultant]').check();
    await office.locator('.dialog button[type=submit]').click();
    const first = await office.getByTestId('link').innerText();
    await office.locator('.dialog-buttons button').click();
    const rows = office.locator('.table tbody tr');
    await office.locator('input[name=person]').fill('eva');
    await office.getByRole('button', { name: 'Find' }).click();
    await until('she alone is found', async () => (await rows.count()) === 1 && (await rows.first().innerText()).includes('Eva Green'));
    await until('she can log in', async () => {
      await office.getByRole('button', { name: 'Refresh' }).click();
      return (await rows.first().innerText()).includes('Active');
    });
    await (await setPassword(platform, first, 'a password of eva')).getByText('Password saved').waitFor();
    // Forgotten: another link, which works once and leaves the first one used.
    await office.getByTestId('password-link').click();
    await office.getByTestId('make-link').click();
    const second = await office.getByTestId('link').innerText();
    assert.notEqual(second, first);
    await office.locator('.dialog-buttons button').click();
    await (await setPassword(platform, first, 'a password of a thief')).getByRole('alert').waitFor();
    const eva = await setPassword(platform, second, 'another password of eva');
    await eva.getByText('Password saved').waitFor();
    await logIn(eva, { username: 'eva', password: 'another password of eva' });
    await eva.getByTestId('presence').waitFor();
    await office.locator('input[name=person]').fill('');
    await office.locator('select[name=type]').selectOption('client');
    await until('the clients alone', async () => (await rows.count()) === 2);

    await office.locator('[data-part=tasks]').click();
    await office.locator('select[name=status]').selectOption('solved');
    await office.getByText('Nothing here').waitFor();
    await office.locator('select[name=status]').selectOption('');
    await office.locator('.table .link').click();
    await office.getByText('Clara Clark had the fewest open consultations (0)').waitFor();
    assert.equal(await office.getByText(/\d{4}-\d\d-\d\dT/).count(), 0, 'times are local');
    await office.locator('select[name=give-to]').selectOption({ label: 'David Danilov' });
    await office.getByRole('button', { name: 'Give', exact: true }).click();
    await caseOf(other, 'Boris Brown').waitFor();
    await caseOf(desk, 'Boris Brown').waitFor({ state: 'detached' });
    await office.locator('input[name=reason]').fill('Asked twice');
    await office.locator('[data-transition=cancel]').click();
    await office.locator('.dialog [data-testid=status]', { hasText: 'Cancelled' }).waitFor();
    await until('cancelled for the consultant, too', async () => (await onlyTask(other)).substatus === 'cancelled');
  },

  async 'a supervisor is called when nobody takes a question, and until somebody does'(platform) {
    const link = await platform.command('user', 'add', 'sofia', '--role', 'supervisor', '--first-name', 'Sofia', '--last-name', 'Stone');
    await (await setPassword(platform, link.split('\n').at(-1), 'a password of sofia')).getByText('Password saved').waitFor();
    const sofia = { username: 'sofia', password: 'a password of sofia' };
    const office = await open(platform.browser, platform.url, sofia, { viewport: widths.wide, permissions: ['notifications'] }, recordAlerts);
    await office.getByText('Nothing here').waitFor();
    // Sound is allowed to pages that were touched.
    await office.getByRole('button', { name: 'Refresh' }).click();
    await hide(office);
    const client = await openClient(platform);
    await write(client, 'My secret illness');
    await office.getByTestId('call').waitFor();
    assert.match(await office.title(), /^\(1\) Nobody took a consultation/);
    assert.deepEqual(await office.evaluate(() => globalThis.told.map(({ text }) => text)), ['A client waits for too long: MOI-000001']);
    assert.equal(await office.evaluate(() => globalThis.tones), 2);
    await office.getByText('MOI-000001: nobody has taken the question of Boris Brown yet.').waitFor();
    await office.getByText('ESC-000001').waitFor();
    await office.getByRole('button', { name: 'Look into it' }).click();
    await office.getByText('Nobody of the group is online.').waitFor();
    await office.locator('.dialog-buttons button').click();
    await office.reload();
    await office.getByTestId('call').waitFor();
    // An own call, as long as one may be.
    const made = await office.evaluate(async () => {
      const { items } = await (await fetch('/api/v1/tasks')).json();
      const body = { type: { type: 'staff', subtype: 'escalation' }, reporterUserId: items[0].reporter.userId, title: 'By telephone', description: 'd'.repeat(4000), details: { all: 'e'.repeat(15000) } };
      const headers = { 'Content-Type': 'application/json' };
      return (await fetch('/api/v1/tasks', { method: 'POST', headers, body: JSON.stringify(body) })).status;
    });
    assert.equal(made, 201);
    await office.getByText('By telephone: nobody has taken').waitFor();
    await openDesk(platform);
    await until('one of them has passed', async () => (await office.getByTestId('call').count()) === 1);
    assert.match(await office.title(), /^\(1\)/);
  },

  async 'an administrator, whom no event reaches, is called soon when nobody takes a question'(platform) {
    const office = await open(platform.browser, platform.url, people.admin, { viewport: widths.wide, permissions: ['notifications'] }, recordAlerts);
    await office.getByText('Nothing here').waitFor();
    await office.getByRole('button', { name: 'Refresh' }).click();
    const client = await openClient(platform);
    await write(client, 'My secret illness');
    await office.getByTestId('call').waitFor({ timeout: 60_000 });
    assert.deepEqual(await office.evaluate(() => globalThis.told.map(({ text }) => text)), ['A client waits for too long: MOI-000001']);
    assert.match(await office.title(), /^\(1\) Nobody took a consultation/);
  },

  async 'a supervisor is told of a process that stands still, and where'(platform) {
    const link = await platform.command('user', 'add', 'sofia', '--role', 'supervisor', '--first-name', 'Sofia', '--last-name', 'Stone');
    await (await setPassword(platform, link.split('\n').at(-1), 'a password of sofia')).getByText('Password saved').waitFor();
    const office = await open(platform.browser, platform.url, { username: 'sofia', password: 'a password of sofia' }, { viewport: widths.wide, permissions: ['notifications'] }, recordAlerts);
    await office.getByText('Nothing here').waitFor();
    await office.getByRole('button', { name: 'Refresh' }).click();
    const incident = (key) => ({ key, instanceKey: '7', processId: 'p-client-request', elementId: 'st-create-task', errorType: 'JOB_NO_RETRIES', message: 'tasks.unavailable: no answer', createdAt: '2026-01-05T10:00:00Z' });
    let stuck = [incident('11')];
    await office.route('**/api/v1/incidents*', (route) => route.fulfill({ json: { items: stuck } }));
    const lookAgain = () => office.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await lookAgain();
    await office.getByText('Processes that stand still until somebody helps: 1.').waitFor();
    await office.getByTestId('stuck-count').waitFor();
    assert.match(await office.title(), /^\(1\) A process stands still/);
    assert.deepEqual(await office.evaluate(() => globalThis.told.map(({ text }) => text)), ['A process stands still: Step “st-create-task” of p-client-request failed and waits for help.']);
    assert.equal(await office.evaluate(() => globalThis.tones), 2);
    await lookAgain();
    await office.getByRole('button', { name: 'Show incidents' }).click();
    await office.getByText('tasks.unavailable: no answer').waitFor();
    assert.equal(await office.getByTestId('stuck').count(), 0);
    assert.equal(await office.evaluate(() => globalThis.told.length), 1);
    stuck = [];
    await lookAgain();
    await office.getByText('Nothing here').waitFor();
    assert.match(await office.title(), /^Office/);
  },

  async 'a hidden desk has the task within a second: sound, title and notification; a press on it opens the case'(platform) {
    const client = await openClient(platform);
    const desk = await openDesk(platform, people.clara, { permissions: ['notifications'] }, recordAlerts);
    // Sound is allowed to pages that were touched, which choosing a status was.
    await hide(desk);
    await write(client, 'My secret illness');
    const asked = Date.now();
    await until('the title changes', async () => (await desk.title()).startsWith('New consultation!'), 2000);
    const took = Date.now() - asked;
    assert.ok(took < 1000, `it took ${took} ms`);
    assert.deepEqual(await desk.evaluate(() => globalThis.told.map(({ text }) => text)), ['New consultation: Boris Brown is waiting for your answer']);
    assert.equal(await desk.evaluate(() => globalThis.tones), 2);
    await desk.evaluate(() => globalThis.told[0].press());
    await desk.locator('[data-pane=MOI-000001]').waitFor();
    await write(client, 'Are you there?');
    await until('a message is told of, too', () => desk.evaluate(() => globalThis.told.at(-1).text === 'Consilium: Boris Brown wrote to you'));
    await desk.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { get: () => 'visible' });
      dispatchEvent(new Event('focus'));
    });
    await until('the title is itself again', async () => !(await desk.title()).startsWith('New consultation!'));
  },

  async 'a hidden client page tells of an answer, unless that is switched off'(platform) {
    const client = await open(platform.browser, platform.url, people.boris, { viewport: widths.narrow, permissions: ['notifications'] }, recordAlerts);
    await client.getByTestId('composer').waitFor();
    await write(client, 'My secret illness');
    await client.getByTestId('queue-card').waitFor();
    await hide(client);
    const desk = await openDesk(platform);
    await openCase(desk, 'Boris Brown');
    const told = () => client.evaluate(() => globalThis.told.map(({ text }) => text));
    await until('that somebody has come', async () => (await told()).length === 1);
    await write(desk, 'Since when?');
    await until('of the answer', async () => (await told()).at(-1) === 'Consilium: Clara Clark wrote to you');
    assert.ok((await client.evaluate(() => globalThis.tones)) >= 2);
    await until('in the title, too', async () => /^\(\d+\)/.test(await client.title()));
    await client.locator('.top .button-icon').click();
    await client.getByRole('menuitem', { name: 'Turn off sound and notifications' }).click();
    const before = await told();
    await write(desk, 'And how loud is it?');
    await message(client, 'And how loud is it?').waitFor();
    assert.deepEqual(await told(), before);
    await client.locator('.top .button-icon').click();
    await client.getByRole('menuitem', { name: 'Turn on sound and notifications' }).waitFor();
  },

  async 'what people write is never more than text, to whoever reads it'(platform) {
    const client = await openClient(platform);
    const hostile = [
      '<script>globalThis.taken = 1</script><img src=x onerror="globalThis.taken = 2"><svg onload=globalThis.taken=3>',
      '[press](javascript:globalThis.taken=4) [me](JaVaScRiPt:globalThis.taken=5) [too](data:text/html,x) javascript:globalThis.taken=6',
      `${'**_'.repeat(600)}deep${'_**'.repeat(600)}`,
      `${'['.repeat(900)}x${'](https://example.org)'.repeat(60)}`,
      '\u202egnp.exe\u202c \u202eturned without an end',
    ];
    for (const text of hostile) await write(client, text);
    await write(client, 'the last line');
    const desk = await openDesk(platform);
    await openCase(desk, 'Boris Brown');
    const office = await open(platform.browser, platform.url, people.admin, { viewport: widths.wide });
    await office.locator('.table .link').click();
    await office.locator('.dialog .history li').first().waitFor();
    for (const page of [client, desk]) {
      await message(page, 'the last line').waitFor();
      await message(page, hostile[0]).waitFor();
      const found = await messages(page).evaluate((root) => {
        const deepest = (node) => 1 + Math.max(0, ...[...node.children].map(deepest));
        return {
          foreign: root.querySelectorAll('script, img, iframe, object, [onerror], [onload], [onclick]').length,
          addresses: [...root.querySelectorAll('a')].map((link) => link.protocol),
          depth: Math.max(...[...root.querySelectorAll('.rich-text')].map(deepest)),
          // A line closes what it opens, or the words after it would be turned, too.
          open: [...root.querySelectorAll('.rich-text')].map((each) => each.textContent).filter((text) => (text.match(/[\u202a\u202b\u202d\u202e]/g) ?? []).length !== (text.match(/\u202c/g) ?? []).length),
        };
      });
      assert.equal(found.foreign, 0);
      assert.ok(found.addresses.every((protocol) => protocol === 'https:'), String(found.addresses));
      assert.ok(found.depth <= 10, `${found.depth} deep`);
      assert.deepEqual(found.open, []);
    }
    for (const page of [client, desk, office]) assert.equal(await page.evaluate(() => globalThis.taken), undefined);
  },

  async 'a consultant on a phone and a client at a desk, by the keyboard alone'(platform) {
    const tabTo = async (page, what, matches) => {
      for (let presses = 0; presses < 40; presses += 1) {
        if (await page.evaluate(matches)) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`the keyboard does not reach ${what}`);
    };
    const enter = async (person, viewport) => {
      const context = await platform.browser.newContext({ baseURL: platform.url, locale: 'en-US', serviceWorkers: 'block', viewport });
      const page = await context.newPage();
      await page.goto('/login');
      await page.locator('input[name=username]').waitFor();
      await tabTo(page, 'the login name', () => document.activeElement?.getAttribute('name') === 'username');
      await page.keyboard.type(person.username);
      await page.keyboard.press('Tab');
      await page.keyboard.type(person.password);
      await page.keyboard.press('Enter');
      return page;
    };
    const test = (id) => `document.activeElement?.getAttribute('data-testid') === '${id}'`;
    const client = await enter(people.boris, widths.wide);
    await client.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
    await tabTo(client, 'the composer', test('composer'));
    await client.keyboard.type('It rings');
    await client.keyboard.press('Enter');
    await client.getByTestId('queue-card').waitFor();
    const desk = await enter(people.clara, widths.narrow);
    await desk.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
    await tabTo(desk, 'the status', test('presence'));
    await desk.keyboard.press('Enter');
    await desk.locator('.menu').waitFor();
    await desk.keyboard.press('Home');
    await desk.keyboard.press('Enter');
    await caseOf(desk, 'Boris Brown').waitFor();
    await tabTo(desk, 'the case', () => document.activeElement?.classList.contains('case') ?? false);
    await desk.keyboard.press('Enter');
    await desk.getByTestId('composer').waitFor();
    await tabTo(desk, 'the composer', test('composer'));
    await desk.keyboard.type('Please rest');
    await desk.keyboard.press('Enter');
    await message(client, 'Please rest').waitFor();
    await tabTo(desk, 'return', test('return'));
    await desk.keyboard.press('Enter');
    await desk.locator('.dialog').waitFor();
    await desk.keyboard.press('Escape');
    await desk.locator('.dialog').waitFor({ state: 'detached' });
    await tabTo(desk, 'solve', test('solve'));
    await desk.keyboard.press('Enter');
    await tabTo(desk, 'undo', test('undo'));
    await desk.keyboard.press('Enter');
    await desk.getByTestId('undo').waitFor({ state: 'detached' });
    await tabTo(desk, 'solve', test('solve'));
    await desk.keyboard.press('Enter');
    await client.locator('[data-action=yes]').waitFor();
    await tabTo(client, 'the answer', () => document.activeElement?.getAttribute('data-action') === 'yes');
    await client.keyboard.press('Enter');
    await client.locator('.actions-thanks').waitFor();
    await tabTo(client, 'the menu', () => document.activeElement?.getAttribute('aria-label') === 'Settings');
    await client.keyboard.press('Enter');
    await client.locator('.menu').waitFor();
    await client.keyboard.press('End');
    await client.keyboard.press('ArrowUp');
    await client.keyboard.press('Enter');
    await client.locator('.logins li').waitFor();
    await client.keyboard.press('Escape');
    await client.locator('.dialog').waitFor({ state: 'detached' });
  },

  async 'a menu follows the keys: arrows go round, Home, End and letters lead, Escape, Tab and a press elsewhere close'({ browser, url }) {
    const page = await (await browser.newContext({ baseURL: url, locale: 'en-US', serviceWorkers: 'block' })).newPage();
    await page.goto('/login');
    const button = page.getByRole('button', { name: 'Settings' });
    const isAt = (text) => page.locator('.menu-item:focus', { hasText: text }).waitFor();
    await button.press('Enter');
    await isAt('English');
    assert.equal(await page.locator('.menu-item:focus').getAttribute('aria-checked'), 'true');
    for (const [key, text] of [['ArrowUp', 'Dark'], ['ArrowDown', 'English'], ['End', 'Dark'], ['Home', 'English'], ['l', 'Light']]) {
      await page.keyboard.press(key);
      await isAt(text);
    }
    await page.keyboard.press('Escape');
    await page.locator('.menu').waitFor({ state: 'detached' });
    assert.ok(await button.evaluate((element) => element === document.activeElement), 'Escape gives the focus back');
    for (const [key, leads] of [['Tab', 'on'], ['Shift+Tab', 'back']]) {
      await button.focus();
      await page.keyboard.press('ArrowUp');
      await isAt('Dark');
      await page.keyboard.press(key);
      await page.locator('.menu').waitFor({ state: 'detached' });
      const at = await page.evaluate(() => document.activeElement?.closest('[aria-haspopup]')?.tagName ?? '');
      assert.equal(at, '', `${key} leads ${leads} from the button`);
    }
    // Often, and at once after the one before has closed: that one must not close this one, too.
    for (const key of Array.from({ length: 20 }, () => ['Enter', 'Space', 'ArrowDown']).flat()) {
      await button.focus();
      await page.keyboard.press(key);
      await isAt('English');
      await page.keyboard.press('Escape');
      await page.locator('.menu').waitFor({ state: 'detached' });
    }
    await button.click();
    await isAt('English');
    await page.locator('h1').click();
    await page.locator('.menu').waitFor({ state: 'detached' });
    await button.press('Enter');
    await isAt('English');
    await page.keyboard.press('d');
    await isAt('Dark');
    await page.keyboard.press('Enter');
    await page.locator('html[data-theme=dark]').waitFor();
    assert.equal(await page.locator('.menu').count(), 0);
  },

  async 'a menu is told to assistive technology as the ARIA Authoring Practices want it'(platform) {
    const desk = await openDesk(platform);
    const session = await desk.context().newCDPSession(desk);
    // What Chromium hands on to a reader, below the node of this role and name: a line a node, indented, without plain texts.
    const told = async (role, name) => {
      const { nodes } = await session.send('Accessibility.getFullAXTree');
      const byId = new Map(nodes.map((node) => [node.nodeId, node]));
      const line = ({ role: { value: kind }, name: named, properties }) => {
        const states = properties.filter((property) => ['hasPopup', 'expanded', 'checked', 'focused'].includes(property.name)).map((property) => ` ${property.name}=${property.value.value}`);
        return `${kind} '${named?.value ?? ''}'${states.join('')}`;
      };
      const below = (node, depth) => {
        const plain = node.ignored || /^(StaticText|InlineTextBox|generic|none)$/.test(node.role.value);
        const children = node.childIds.flatMap((id) => below(byId.get(id), plain ? depth : depth + 1));
        return plain ? children : [`${'  '.repeat(depth)}${line(node)}`, ...children];
      };
      const top = nodes.filter((node) => !node.ignored && node.role.value === role && node.name?.value === name);
      assert.equal(top.length, 1, `${role} '${name}': ${top.length}`);
      return below(top[0], 0);
    };
    assert.deepEqual(await told('button', 'Settings'), ["button 'Settings' hasPopup=menu expanded=false"]);
    await desk.getByRole('button', { name: 'Settings' }).press('ArrowDown');
    await desk.locator('.menu-item:focus').waitFor();
    assert.deepEqual(await told('button', 'Settings'), ["button 'Settings' hasPopup=menu expanded=true"]);
    assert.deepEqual(await told('menu', 'Settings'), [
      "menu 'Settings'",
      "  group 'Language'", "    menuitemradio 'English' focused=true checked=true", "    menuitemradio 'Русский' checked=false",
      "  separator ''",
      "  group 'Appearance'", "    menuitemradio 'As the device' checked=true", "    menuitemradio 'Light' checked=false", "    menuitemradio 'Dark' checked=false",
      "  separator ''",
      "  group 'Clara Clark'", "    menuitem 'Turn off sound and notifications'", "    menuitem 'Sessions and password'", "    menuitem 'Log out'",
    ]);
    await desk.keyboard.press('Escape');
    await desk.getByTestId('presence').press('ArrowUp');
    await desk.locator('.menu-item:focus').waitFor();
    assert.deepEqual(await told('menu', 'Your status'), [
      "menu 'Your status'", "  group ''",
      "    menuitemradio 'Online New consultations come to you' checked=true", "    menuitemradio 'No new ones You finish what you have' checked=false",
      "    menuitemradio 'Away Back soon; nothing new comes' checked=false", "    menuitemradio 'Out of office Not at work today' focused=true checked=false",
    ]);
    // Several letters are one word, and it is looked for from where one is.
    await desk.keyboard.type('on');
    await desk.locator('.menu-item:focus', { hasText: 'Online' }).waitFor();
    await desk.waitForTimeout(900);
    await desk.keyboard.type('o');
    await desk.locator('.menu-item:focus', { hasText: 'Out of office' }).waitFor();
    await desk.keyboard.press('Escape');
    assert.deepEqual(await told('button', 'Your status: Online'), ["button 'Your status: Online' focused=true hasPopup=menu expanded=false"]);
  },

  async 'what was written offline survives a reload without network and is sent once'(platform) {
    const client = await openClient(platform, people.boris, { serviceWorkers: 'allow' });
    await client.evaluate(() => navigator.serviceWorker.ready);
    await until('the files of the page are kept', () => client.evaluate(async () => {
      const kept = [];
      for (const name of await caches.keys()) kept.push(...(await (await caches.open(name)).keys()).map((request) => request.url));
      const loaded = performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => name.includes('/assets/'));
      return loaded.some((name) => name.endsWith('.js')) && loaded.every((name) => kept.includes(name));
    }));
    await client.context().setOffline(true);
    await client.locator('.connection-bar').waitFor();
    await write(client, 'written offline');
    await client.locator('[data-unsent=true]').waitFor();
    await client.reload();
    await client.locator('[data-unsent=true]', { hasText: 'written offline' }).waitFor();
    await client.context().setOffline(false);
    await client.locator('[data-unsent=true]').waitFor({ state: 'detached' });
    const desk = await openDesk(platform);
    await openCase(desk, 'Boris Brown');
    await message(desk, 'written offline').waitFor();
    await client.reload();
    await message(client, 'written offline').waitFor();
    for (const page of [client, desk]) assert.equal(await message(page, 'written offline').count(), 1);
  },

  async 'messages missed without network arrive once when it returns'(platform) {
    const { client, desk } = await talk(platform);
    await client.context().setOffline(true);
    await client.locator('.connection-bar').waitFor();
    for (const text of ['missed one', 'missed two']) {
      await write(desk, text);
      await message(desk, text).waitFor();
    }
    await client.context().setOffline(false);
    await message(client, 'missed two').waitFor();
    for (const text of ['missed one', 'missed two']) assert.equal(await message(client, text).count(), 1);
  },

  async 'the history is on screen before the socket is open'(platform) {
    const client = await openClient(platform);
    await write(client, 'remember me');
    await client.locator('[data-mark=sent]').waitFor();
    // The page keeps what it knows a moment after it changed.
    await wait(1000);
    await client.routeWebSocket(/./, () => undefined);
    await client.route('**/api/v1/{channels,tasks}**', () => undefined);
    await client.reload();
    await message(client, 'remember me').waitFor();
    assert.notEqual(await client.getByTestId('connection').getAttribute('data-phase'), 'open');
  },

  async 'the whole consultation in Russian'(platform) {
    const client = await openClient(platform, people.anna, { locale: 'ru-RU' });
    const desk = await openDesk(platform, people.david, { locale: 'ru-RU' });
    for (const page of [client, desk]) await page.locator('html[lang=ru]').waitFor();
    await write(client, 'Со вчерашнего дня звенит в ухе');
    await openCase(desk, 'Anna Ivanova');
    await client.getByTestId('consultant').getByText('David Danilov').waitFor();
    await write(desk, 'Здравствуйте, Анна!');
    await message(client, 'Здравствуйте, Анна!').waitFor();
    await desk.getByTestId('solve').click();
    await client.locator('[data-action=yes]', { hasText: 'Да' }).click();
    await client.locator('.actions-thanks').waitFor();
    for (const page of [client, desk]) {
      const missing = await page.evaluate(() => document.body.innerText.match(/\b(web|error|post|bot)\.[a-z-]+[.a-z-]*/g));
      assert.equal(missing, null);
    }
  },
};

const pictures = process.env.SCREENSHOTS;
if (pictures) await mkdir(pictures, { recursive: true });

// What each person sees in the end, for the eyes.
async function takePictures(browser, name) {
  let count = 0;
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    await page.screenshot({ path: join(pictures, `${name.replace(/[^\p{L}]+/gu, '-').slice(0, 40)}-${(count += 1)}.png`) });
  }
}

// Of the checks in which a client is told of the wait to its end.
const impatient = { CONSILIUM_NOTICES_WAITING: '1s,2s' };
await runChecks(checks, { settingsOf: (name) => (name.includes('nobody takes') ? impatient : {}), ...(pictures ? { atEnd: takePictures } : {}) });
