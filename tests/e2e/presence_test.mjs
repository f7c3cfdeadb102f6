// A consultant's browser that is frozen, and one whose network is gone without a word: others see the consultant offline,
// nothing new comes to them, what they had not answered goes to another; when they are back, the desk says so and goes on.
//   node tests/e2e/presence_test.mjs [part of a check's name]
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

import { choosePresence, widths, withBrowser, write } from '../../web/scripts/walk.mjs';
import { layCable } from './cable.mjs';
import { people } from './platform.mjs';
import { caseOf, get, message, openCase, openClient, openDesk, runChecks } from './windows.mjs';

const leaseSeconds = 3;
// Only the lease may bring the task back: it is not answered for longer than the test runs.
const settings = { CONSILIUM_PRESENCE_LEASE: `${leaseSeconds}s`, CONSILIUM_ASSIGNMENT_ANSWER__WITHIN: '1h', CONSILIUM_ASSIGNMENT_INTERVAL: '500ms' };
// Sessions that are about to end from their beginning.
const shortSessions = { CONSILIUM_SESSIONS_IDLE: '10m', CONSILIUM_SESSIONS_EXPIRY__NOTICE: '10m' };
// The last ping may have been heard two thirds of a lease after it was sent, and the queue is looked at twice a second.
const goneWithin = (2 * leaseSeconds + 5) * 1000;

/** The process and all that came of it. */
async function family(root) {
  const children = new Map();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (let next = 0; next < found.length; next += 1) found.push(...(children.get(found[next]) ?? []));
  return found;
}

async function signal(root, name) {
  const processes = await family(root);
  assert.ok(processes.length > 3, 'a browser is several processes');
  for (const each of processes) process.kill(each, name);
}

// On a phone the open case fills the screen; the way back to the list tells of the other one.
async function toldOfAnother(desk) {
  if (desk.viewportSize().width <= widths.narrow.width) await desk.getByTestId('elsewhere').getByText('1', { exact: true }).waitFor();
  else await caseOf(desk, 'Anna Ivanova').waitFor();
}

/** `lose()` takes clara away, `find()` gives her back. */
async function leadThrough({ url, browser, desk, lose, find }) {
  const here = { browser, url };
  const boris = await openClient(here, people.boris);
  await write(boris, 'My ear has been ringing');
  await openCase(desk, 'Boris Brown');
  await write(desk, 'Since when?');
  await message(boris, 'Since when?').waitFor();
  await boris.getByText('Your consultant · online').waitFor();
  const anna = await openClient(here, people.anna);
  await write(anna, 'May I fly next week?');
  await caseOf(desk, 'Anna Ivanova').waitFor({ state: 'attached' });
  await toldOfAnother(desk);

  await lose();
  const lost = Date.now();
  const other = await openDesk(here, people.david);
  await boris.getByText('Your consultant · away at the moment').waitFor({ timeout: goneWithin });
  await caseOf(other, 'Anna Ivanova').waitFor({ timeout: goneWithin });
  const took = Date.now() - lost;
  assert.ok(took > 1000, `a short silence is no reason: ${took} ms`);
  assert.ok(took < goneWithin, `it took ${took} ms`);
  await openCase(other, 'Anna Ivanova');
  const task = (await get(other, '/tasks?status=open')).body.items[0];
  const history = (await get(other, `/tasks/${task.id}/history`)).body.items;
  assert.ok(history.some((entry) => entry.reason === 'offline'), JSON.stringify(history));
  await write(other, 'Yes, you may');
  await other.getByTestId('solve').click();
  await anna.locator('[data-action=yes]').waitFor();

  // Clara is still "online" by her own choice, but nobody sees her: a new question waits for somebody who is there.
  await choosePresence(other, 'dnd');
  await write(anna, 'And by train?');
  await anna.getByTestId('queue-card').waitFor();
  await anna.locator('[data-testid=queue-card][data-reason=nobody-online]').waitFor();
  await wait(1500);
  assert.equal(await anna.getByTestId('queue-card').count(), 1);
  await choosePresence(other, 'online');
  await anna.getByTestId('queue-card').waitFor({ state: 'detached' });
  await write(boris, 'Since Monday');
  await wait(500);

  await find();
  await desk.getByTestId('gap').waitFor();
  await desk.locator('[data-testid=connection][data-phase=open]').waitFor({ state: 'attached' });
  await message(desk, 'Since Monday').waitFor();
  await caseOf(desk, 'Anna Ivanova').waitFor({ state: 'detached' });
  await boris.getByText('Your consultant · online').waitFor();
  await write(desk, 'Then rest, please');
  await message(boris, 'Then rest, please').waitFor();
  await choosePresence(other, 'dnd');
  await other.locator('.case[data-status=assigned]').click();
  await other.getByTestId('return').click();
  await other.locator('.dialog button[type=submit]').click();
  await caseOf(desk, 'Anna Ivanova').waitFor({ state: 'attached' });
  await desk.getByTestId('gap').getByRole('button').click();
  await desk.getByTestId('gap').waitFor({ state: 'detached' });
}

const checks = {
  async 'a frozen browser loses its lease, and its consultant gets no task until it thaws'({ url, browser }) {
    await withBrowser({}, async (clara, pid) => {
      const desk = await openDesk({ browser: clara, url });
      try {
        await leadThrough({ url, browser, desk, lose: () => signal(pid, 'SIGSTOP'), find: () => signal(pid, 'SIGCONT') });
      } finally {
        await signal(pid, 'SIGCONT');
      }
    });
  },

  async 'a network that is gone without a word: the page notices, and is back by itself'({ url, browser }) {
    const cable = await layCable(url);
    try {
      const desk = await openDesk({ browser, url: cable.url });
      await leadThrough({
        url, browser, desk,
        async lose() {
          cable.pull();
          await desk.getByText('No connection to the service').waitFor({ timeout: goneWithin });
          await desk.getByTestId('presence').getByText('No connection').waitFor();
        },
        find: () => cable.plug(),
      });
    } finally {
      await cable.stop();
    }
  },

  async 'a session that nobody uses says before it ends'({ url, browser }) {
    const client = await openClient({ browser, url }, people.boris);
    await client.getByTestId('session-ends').waitFor();
  },

  async 'the browser says that it is offline'({ url, browser }) {
    const desk = await openDesk({ browser, url }, people.clara, { viewport: widths.narrow });
    await leadThrough({
      url, browser, desk,
      async lose() {
        await desk.context().setOffline(true);
        await desk.getByText('You are offline').waitFor();
      },
      find: () => desk.context().setOffline(false),
    });
  },
};

await runChecks(checks, { settingsOf: (name) => (name.includes('session') ? shortSessions : settings) });
