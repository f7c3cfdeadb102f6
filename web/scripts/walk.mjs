// Leads a client and a consultant through a whole consultation in real browsers, by the pages alone, and stops at each
// place worth looking at. Used by the accessibility check and the screenshots, against the stand-in or a running server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { chromium } from 'playwright-core';

import { password, startMock } from '../mock/server.mjs';
import { decisionModel } from './decision-model.mjs';
import { processModel } from './process-model.mjs';

export const widths = { narrow: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } };
export const themes = ['light', 'dark'];
export const languages = ['en', 'ru'];
const patience = 15_000;

const words = {
  en: { question: 'Since yesterday my left ear has been ringing. It gets **louder in the evening**. Should I see a doctor?', answer: 'Good day, Anna! Do you take any medicine at the moment?', reply: 'Only vitamin D, 1000 units a day.', last: 'Then please rest, drink enough, and:\n- avoid loud places\n- measure your blood pressure twice a day\n\nMore about it: https://example.org/tinnitus', reason: 'Please take over', again: 'One more thing: may I fly next week?' },
  ru: { question: 'Со вчерашнего дня звенит в левом ухе. **К вечеру сильнее**. Нужно ли идти к врачу?', answer: 'Здравствуйте, Анна! Принимаете ли вы сейчас какие-нибудь лекарства?', reply: 'Только витамин D, 1000 единиц в день.', last: 'Тогда отдыхайте, пейте достаточно воды и:\n- избегайте шумных мест\n- измеряйте давление дважды в день\n\nПодробнее: https://example.org/tinnitus', reason: 'Передайте, пожалуйста', again: 'И ещё вопрос: можно ли мне лететь на следующей неделе?' },
};

export function readOptions(argv = process.argv.slice(2)) {
  const value = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
  const person = (name, otherwise) => {
    const [username, ...rest] = (value(`--${name}`) ?? otherwise).split(':');
    return { username, password: rest.join(':') };
  };
  return {
    url: value('--url'),
    people: { client: person('client', `anna:${password}`), consultant: person('consultant', `clara:${password}`), administrator: person('administrator', `admin:${password}`) },
    out: value('--out'),
    // Of the places on the way, those alone whose name has this.
    only: value('--only') ?? '',
    languages: value('--language') ? [value('--language')] : languages,
  };
}

/** Waits until the condition holds; fails naming it. */
export async function until(what, condition, within = 10_000) {
  const end = Date.now() + within;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await wait(50);
  }
}

/** A browser with a fresh profile: `run(browser, process id)`. */
export async function withBrowser(options, run) {
  const profile = await mkdtemp(join(tmpdir(), 'consilium-browser-'));
  const server = await chromium.launchServer({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    env: { ...process.env, HOME: profile },
  });
  try {
    await run(await chromium.connect(server.wsEndpoint()), server.process().pid);
  } finally {
    await server.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** The stand-in, when no address is given. */
export async function withServer(options, run) {
  if (options.url) return run(options.url);
  const started = await startMock();
  try {
    return await run(started.url, started.mock);
  } finally {
    await started.stop();
  }
}

/** A window of one person; what its console complains about is collected in `complaints`. */
export async function openWindow(browser, url, language, complaints) {
  const context = await browser.newContext({ baseURL: url, viewport: widths.wide, locale: language === 'ru' ? 'ru-RU' : 'en-US', colorScheme: 'light', serviceWorkers: 'block', reducedMotion: 'reduce' });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|422|404|403)/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) complaints.push(`foreign request ${request.url()}`);
  });
  return page;
}

export async function logIn(page, person) {
  await page.goto('/login');
  await page.locator('input[name=username]').fill(person.username);
  await page.locator('input[name=password]').fill(person.password);
  await page.locator('button[type=submit]').click();
}

/** By the menu, so that the person's profile follows and the platform writes in this language, too. */
export async function chooseLanguage(page, language) {
  const spoken = page.locator(`html[lang=${language}]`);
  if ((await spoken.count()) > 0) return;
  await page.locator('.top .button-icon').last().click();
  await page.locator(`.menu-item [lang=${language}]`).click();
  await spoken.waitFor();
  if ((await page.locator('.menu').count()) > 0) await page.keyboard.press('Escape');
}

/** A consultant is offline until they choose otherwise. */
export async function choosePresence(page, presence) {
  await page.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
  await page.getByTestId('presence').click();
  await page.locator(`.menu-item:has([data-presence=${presence}])`).click();
  await page.locator(`[data-testid=presence] [data-presence=${presence}]`).waitFor();
}

export async function write(page, text) {
  await page.getByTestId('composer').fill(text);
  await page.locator('.composer-send').click();
}

/** `visit(name, page)` is called at each place; `reader`: the server has the page that describes the API. */
// The engine of this page has one: as the server would list it.
async function showIncident(page) {
  const incident = { key: '11', instanceKey: '7', processId: 'p-client-request', elementId: 'st-create-task', errorType: 'JOB_NO_RETRIES', message: 'tasks.unavailable: Expected tasks to answer', createdAt: '2026-01-05T10:00:00Z' };
  await page.route('**/api/v1/incidents*', (route) => route.fulfill({ json: { items: [incident] } }));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.getByText(incident.elementId).waitFor();
}

// As somebody who looks after the processes: their models, one that stands still, and what can be done about it.
async function walkProcesses(page, visit) {
  const post = (path, body) => page.evaluate(async ([address, sent]) => (await fetch(`/api/v1${address}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(sent) })).json(), [path, body]);
  for (const tasks of [['tidy'], ['tidy', 'check']]) {
    await post('/processes/models', { files: [{ name: 'tidy.bpmn', xml: processModel('p-tidy', tasks, 'st-delete-chat-user') }], dryRun: false });
    if (tasks.length === 1) await post('/processes/instances', { processId: 'p-tidy', variables: { note: 'A very long note that has no end and goes on and on', count: 3 } });
  }
  const drawn = '[data-testid=diagram][data-ready]';
  const dialog = async (name, button, ready = '.dialog') => {
    await page.getByTestId(button).click();
    await page.locator(ready).first().waitFor();
    await visit(name, page);
    await page.keyboard.press('Escape');
    await page.locator('.dialog').waitFor({ state: 'detached' });
  };
  await page.locator('[data-part=processes]').click();
  await page.locator('.table .link').first().waitFor();
  await visit('office-models', page);
  await page.locator('.table th .link').first().click();
  await page.locator(drawn).waitFor();
  await visit('office-model', page);
  await page.getByTestId('edit').click();
  await page.locator('[data-testid=drawing][data-ready]').waitFor();
  await visit('office-editor', page);
  await page.locator('.djs-shape[data-element-id=tidy] .djs-hit').first().click({ position: { x: 15, y: 15 } });
  await page.locator('[data-testid=panel] [name=job-type]').fill('');
  await page.getByTestId('check').click();
  await page.getByTestId('problems').waitFor();
  await visit('office-editor-refused', page);
  await page.getByTestId('editor-close').click();
  await page.locator('.dialog').waitFor();
  await visit('office-editor-leave', page);
  await page.getByTestId('leave-sure').click();
  await page.locator(drawn).waitFor();
  await page.locator('[data-part=processes]').click();
  await page.locator('[data-view=decisions]').click();
  const deployDecision = (xml) => page.locator('input[type=file]').setInputFiles({ name: 'prices.dmn', mimeType: 'application/xml', buffer: Buffer.from(xml) });
  await deployDecision(decisionModel());
  await page.locator('.table .link').first().waitFor();
  await visit('office-decisions', page);
  await page.locator('.table th .link').first().click();
  await page.getByTestId('rules').waitFor();
  await visit('office-decision', page);
  await page.getByTestId('needs').locator('.link').click();
  await page.locator('[data-testid=logic] dl').first().waitFor();
  await visit('office-decision-context', page);
  await page.locator('[data-part=processes]').click();
  await page.locator('[data-view=instances]').click();
  await page.locator('.table .link').first().waitFor();
  await visit('office-instances', page);
  await page.locator('[data-testid=has-incident]').first().waitFor();
  await page.locator('tr:has([data-testid=has-incident]) th .link').first().click();
  await page.locator(drawn).waitFor();
  await page.getByTestId('incident').waitFor();
  await visit('office-instance', page);
  await dialog('office-instance-variable', 'add-variable');
  await dialog('office-instance-modify', 'modify');
  await page.getByTestId('migrate').click();
  await page.locator('.dialog select[name=target]').selectOption({ index: 1 });
  await page.locator('.dialog select[name=map-tidy]').selectOption('');
  await page.getByTestId('migrate-check').click();
  await page.getByTestId('migration-outcomes').waitFor();
  await visit('office-instance-migrate', page);
  await page.keyboard.press('Escape');
  await page.locator('.dialog').waitFor({ state: 'detached' });
}

export async function walk({ browser, url, people, language, visit, complaints, reader = false }) {
  const text = words[language];
  const client = await openWindow(browser, url, language, complaints);
  await client.goto('/password');
  await client.locator('h1').waitFor();
  await visit('password-without-link', client);
  await client.goto('/password#used-link');
  await client.reload();
  await client.locator('input[name=new-password]').fill('a long enough password');
  await client.locator('input[name=repeat-password]').fill('a long enough password');
  await client.locator('button[type=submit]').click();
  await client.getByRole('alert').waitFor();
  await visit('password', client);

  if (reader) {
    await client.goto('/api/docs');
    await client.locator('main h2').first().waitFor();
    await visit('api-docs', client);
  }
  await client.goto('/login');
  await client.locator('button[type=submit]').click();
  await visit('login-incomplete', client);
  await logIn(client, { ...people.client, password: 'wrong-password' });
  await client.getByRole('alert').waitFor();
  await visit('login-refused', client);
  await logIn(client, people.client);
  await client.getByTestId('composer').waitFor();
  await chooseLanguage(client, language);
  await client.locator('.message').first().waitFor();
  await visit('client', client);
  await client.locator('.top .button-icon').click();
  await client.locator('.menu').waitFor();
  await visit('client-menu', client);
  await client.keyboard.press('Escape');

  await write(client, text.question);
  await client.getByTestId('queue-card').waitFor();
  await visit('client-waiting', client);

  const consultant = await openWindow(browser, url, language, complaints);
  await logIn(consultant, people.consultant);
  await consultant.getByTestId('presence').waitFor();
  await chooseLanguage(consultant, language);
  await choosePresence(consultant, 'online');
  await consultant.locator('.case').first().waitFor();
  await visit('desk', consultant);
  // Before a case is opened: on a phone it lies over the list and its menus.
  await consultant.locator('[data-testid=presence]').click();
  await consultant.locator('.menu').waitFor();
  await visit('desk-presence', consultant);
  await consultant.keyboard.press('Escape');
  await consultant.locator('.case').first().click();
  await consultant.getByTestId('composer').waitFor();
  await visit('desk-new', consultant);
  await write(consultant, text.answer);
  await client.getByTestId('messages').getByText(text.answer).waitFor();
  await write(client, text.reply);
  await consultant.getByTestId('messages').getByText(text.reply).waitFor();
  await write(consultant, text.last);
  await client.locator('.rich-text ul').last().waitFor();
  await visit('client-talk', client);
  // It is told once in a while.
  let typed = '';
  await until('typing is seen', async () => {
    typed = typed === '…' ? '… …' : '…';
    await client.getByTestId('composer').fill(typed);
    return (await consultant.locator('.typing-dots').count()) > 0;
  });
  await visit('desk-talk', consultant);
  await client.getByTestId('composer').fill('');

  await client.context().setOffline(true);
  await client.locator('.connection-bar').waitFor();
  await write(client, text.reason);
  await client.locator('[data-unsent=true]').waitFor();
  await visit('client-offline', client);
  await client.context().setOffline(false);
  await client.locator('[data-unsent=true]').waitFor({ state: 'detached' });

  await consultant.locator('[data-testid=return]').click();
  await consultant.locator('.dialog').waitFor();
  await visit('desk-return', consultant);
  await consultant.keyboard.press('Escape');
  await consultant.locator('[data-testid=solve]').click();
  await consultant.locator('[data-testid=undo]').waitFor();
  await visit('desk-undo', consultant);
  await client.locator('[data-action=yes]').last().waitFor();
  await visit('client-feedback', client);
  await client.locator('[data-action=yes]').last().click();
  await client.locator('.actions-thanks').last().waitFor();
  await visit('client-thanks', client);
  await consultant.locator('[data-testid=feedback]').first().waitFor();
  await visit('desk-solved', consultant);

  await write(client, text.again);
  await consultant.locator('.case').nth(1).waitFor();
  await visit('desk-again', consultant);
  await consultant.locator('.case-beside').click();
  await consultant.locator('.pane').nth(1).waitFor();
  await consultant.getByTestId('messages').getByText(text.again).waitFor();
  await visit('desk-beside', consultant);

  await consultant.locator('.top .button-icon').last().click();
  await consultant.locator('[data-key=account]').click();
  await consultant.locator('.logins li').first().waitFor();
  await visit('account', consultant);
  await consultant.locator('.account-part button[type=submit]').click();
  await consultant.locator('.field-error').first().waitFor();
  await visit('account-incomplete', consultant);
  await consultant.keyboard.press('Escape');
  await consultant.locator('.dialog').waitFor({ state: 'detached' });

  const administrator = await openWindow(browser, url, language, complaints);
  await logIn(administrator, people.administrator);
  await administrator.locator('.office-parts').waitFor();
  await chooseLanguage(administrator, language);
  for (const part of ['tasks', 'people', 'incidents']) {
    await administrator.locator(`[data-part=${part}]`).click();
    await administrator.locator('[aria-busy=false]').waitFor();
    await visit(`office-${part}`, administrator);
  }
  await showIncident(administrator);
  await visit('office-incident', administrator);
  await administrator.locator('[data-part=tasks]').click();
  await administrator.getByTestId('stuck').waitFor();
  await visit('office-stuck', administrator);
  await administrator.locator('[data-part=people]').click();
  await administrator.getByTestId('new-person').click();
  await administrator.locator('.dialog button[type=submit]').click();
  await administrator.locator('.field-error').first().waitFor();
  await visit('office-new-client', administrator);
  await administrator.locator('select[name=kind]').selectOption('expert');
  await administrator.locator('input[name=firstName]').fill('Eva');
  await administrator.locator('input[name=lastName]').fill('Green');
  await administrator.locator('input[name=email]').fill(`eva.${language}@example.org`);
  await administrator.locator('.check').first().click();
  await visit('office-new-expert', administrator);
  await administrator.locator('.dialog button[type=submit]').click();
  await administrator.getByTestId('link').waitFor();
  await visit('office-person-made', administrator);
  await administrator.keyboard.press('Escape');
  await administrator.locator('[data-part=tasks]').click();
  await administrator.locator('.table .link').first().click();
  await administrator.locator('.dialog .history li').first().waitFor();
  await visit('office-task', administrator);
  await administrator.keyboard.press('Escape');
  await administrator.locator('.dialog').waitFor({ state: 'detached' });
  await walkProcesses(administrator, visit);
  for (const page of [client, consultant, administrator]) await page.context().close();
}
