// Why a client can soon write on a slow line, without a clock: how often the page must wait for an answer before it can ask on, how much it
// loads, and that nothing holds up its first picture. What it comes to in seconds is measured by tests/load/page_bench.mjs.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';

import { runChecks, until } from './windows.mjs';
import { people } from './platform.mjs';

const quiet = 400;
// What it is, and a little: who adds to the first load decides so.
const mostBytes = 46_000;

/** Answers nothing until the page asks for nothing more, then everything at once; says which addresses each such round asked for. */
async function roundsUntil(page, selector, patience = 20_000) {
  const rounds = [];
  const held = [];
  let there = false;
  await page.exposeFunction('isThere', () => { there = true; });
  await page.addInitScript((wanted) => {
    new MutationObserver(() => document.querySelector(wanted) && globalThis.isThere()).observe(document, { childList: true, subtree: true });
  }, selector);
  await page.route('**/*', (route) => { held.push(route); });
  const gone = page.goto('/', { waitUntil: 'commit', timeout: 2 * patience });
  for (const end = Date.now() + patience; !there;) {
    const before = held.length;
    await wait(quiet);
    assert.ok(Date.now() < end, `not there: ${selector}; rounds: ${JSON.stringify(rounds)}`);
    if (held.length === 0 || held.length > before) continue;
    const all = held.splice(0);
    rounds.push(all.map((route) => route.request().url()));
    await Promise.all(all.map((route) => route.continue()));
  }
  await gone;
  // Whatever is asked for from now on is answered.
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  return rounds;
}

async function withSession(browser, url, person) {
  const context = await browser.newContext({ baseURL: url, locale: 'ru-RU', serviceWorkers: 'block' });
  const reply = await context.request.post('/api/v1/sessions', { data: person, headers: { Origin: url } });
  assert.equal(reply.status(), 201);
  return context;
}

await runChecks({
  'a client writes after two rounds: the page; its script, style and texts with the first answers': async ({ browser, url }) => {
    const context = await withSession(browser, url, people.anna);
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    // The first answer of each address: on a busy machine what the page asks for later, some of it again, has come as well.
    const addresses = new Map();
    const sizes = new Map();
    cdp.on('Network.requestWillBeSent', ({ requestId, request }) => addresses.set(requestId, request.url));
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const address = addresses.get(requestId);
      if (!sizes.has(address)) sizes.set(address, encodedDataLength);
    });
    const rounds = await roundsUntil(page, '[data-testid=composer]');
    const asked = rounds.flat();
    await until('all that was asked for has come', () => asked.every((address) => sizes.has(address)));
    const bytes = asked.reduce((sum, address) => sum + sizes.get(address), 0);
    console.log(`  ${rounds.map((round) => round.length).join(' + ')} requests, ${bytes} bytes`);
    assert.ok(rounds.length <= 2, JSON.stringify(rounds));
    assert.ok(bytes > 30_000 && bytes < mostBytes, `${bytes} bytes`);
    await page.getByTestId('composer').fill('Can I write?');
    await page.keyboard.press('Enter');
    await page.getByTestId('messages').getByText('Can I write?', { exact: true }).waitFor();
  },

  'nothing holds up the first picture, and each file is asked for once': async ({ browser, url }) => {
    const context = await withSession(browser, url, people.anna);
    const page = await context.newPage();
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto('/');
    await page.getByTestId('composer').waitFor();
    const html = await (await context.request.get('/')).text();
    for (const [script] of html.matchAll(/<script[^>]*>/g)) assert.match(script, /type="module"|async|defer/);
    assert.equal([...html.matchAll(/rel="stylesheet"/g)].length, 1);
    assert.deepEqual(asked.filter((one) => new URL(one).origin !== url), []);
    const files = asked.filter((one) => one.includes('/assets/'));
    assert.deepEqual(files, [...new Set(files)]);
    const sessions = asked.filter((one) => one.endsWith('/sessions/current'));
    assert.equal(sessions.length, 1, 'the session is asked for once');
  },
});
