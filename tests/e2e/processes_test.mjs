// The pages of processes in Chromium, on the real program: a model is drawn, refused, mended and deployed, an instance started, watched,
// helped out of an incident, moved and migrated.  node tests/e2e/processes_test.mjs [part of a name]
import assert from 'node:assert/strict';

import { decisionModel } from '../../web/scripts/decision-model.mjs';
import { processModel } from '../../web/scripts/process-model.mjs';
import { chooseLanguage, logIn, until, widths } from '../../web/scripts/walk.mjs';
import { get, open, openClient, runChecks } from './windows.mjs';
import { people } from './platform.mjs';

// A job of the platform that fails without `userId` and does nothing for somebody who is not there.
const job = 'st-delete-chat-user';
const nobody = '01a22be1-0000-7000-8000-000000000000';

async function openOffice({ browser, url }, options = {}) {
  const page = await open(browser, url, people.admin, { viewport: widths.wide, reducedMotion: 'reduce', ...options });
  await page.locator('[data-part=processes]').waitFor();
  return page;
}
/** Called as the pages call it. */
const post = (page, path, body) => page.evaluate(async ([address, sent]) => {
  const reply = await fetch(`/api/v1${address}`, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(sent) });
  const text = await reply.text();
  return { status: reply.status, body: text ? JSON.parse(text) : null };
}, [path, body]);
async function deploy(page, id, tasks) {
  const { status, body } = await post(page, '/processes/models', { files: [{ name: `${id}.bpmn`, xml: processModel(id, tasks, job) }] });
  assert.equal(status, 200, JSON.stringify(body));
  return body.items[0];
}
async function start(page, processId, variables = {}) {
  const { status, body } = await post(page, '/processes/instances', { processId, variables });
  assert.equal(status, 201, JSON.stringify(body));
  return body.key;
}
const instanceOf = async (page, key) => (await get(page, `/processes/instances/${key}`)).body;
const shape = (page, id) => page.locator(`.djs-shape[data-element-id="${id}"]`);
async function openInstance(page, key) {
  await page.goto(`/office/processes/instances/${key}`);
  await page.locator('[data-testid=diagram][data-ready]').waitFor();
}
const shownTokens = (page) => page.locator('[data-testid=tokens] li').evaluateAll((lines) => lines.map((line) => line.dataset.key).sort());
/** Of the history API, without the instance itself. */
async function activeOf(page, key) {
  const { body } = await get(page, `/processes/instances/${key}/elements`);
  return body.items.filter((record) => record.state === 'active' && record.elementInstanceKey !== key).map((record) => record.elementInstanceKey).sort();
}
const chooseShape = async (page, id) => {
  await shape(page, id).locator('.djs-hit').first().click({ position: { x: 15, y: 15 } });
  await page.locator(`[data-testid=panel][data-element="${id}"]`).waitFor();
};
async function setProperty(page, name, value) {
  await page.locator(`[data-testid=panel] [name="${name}"]`).fill(value);
  await page.locator(`[data-testid=panel] [name="${name}"]`).blur();
}

// To look at by hand: screenshots go into the folder that SCREENSHOTS names.
const look = async (page, name) => process.env.SCREENSHOTS && page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });

await runChecks({
  'a model is drawn, refused with the reason, mended, deployed, started, watched, helped and ends': async (place) => {
    const page = await openOffice(place);
    await page.locator('[data-part=processes]').click();
    await page.getByTestId('new-model').click();
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    await setProperty(page, 'name', 'Tidy up');
    await setProperty(page, 'id', 'p-drawn');

    // Drawn by hand: a task after the start, made a service task, and an end.
    await shape(page, 'start').locator('.djs-hit').first().click();
    await page.locator('.djs-context-pad [data-action="append.append-task"]').click();
    await page.keyboard.press('Escape');
    await page.locator('[data-testid=panel][data-element^=Activity_]').waitFor();
    await page.locator('.djs-context-pad [data-action="replace"]').click();
    await page.locator('.djs-popup [data-id="replace-with-service-task"]').click();
    await page.locator('[data-testid=panel] [name=job-type]').waitFor();
    await setProperty(page, 'id', 'tidy');
    await page.locator('[data-testid=panel][data-element=tidy]').waitFor();
    await page.locator('.djs-context-pad [data-action="append.end-event"]').click();
    await page.keyboard.press('Escape');
    await until('an end is drawn', async () => (await page.locator('.djs-shape[data-element-id^=Event_]').count()) > 0);

    await page.getByTestId('deploy').click();
    const problem = page.locator('[data-testid=problems] [data-element=tidy]');
    await problem.first().waitFor();
    assert.match(await problem.first().innerText(), /^tidy[^]*type/);
    await page.locator('.process-token-stuck').waitFor();
    await problem.first().locator('button').click();
    await page.getByTestId('panel-problem').first().waitFor();
    assert.deepEqual((await get(page, '/processes/models?processId=p-drawn')).body.items, [], 'what is refused is not deployed');

    await setProperty(page, 'job-type', 'no-such-job');
    await setProperty(page, 'retries', '1');
    await page.getByTestId('check').click();
    await until('the engine knows no such job', async () => /no-such-job/.test(await page.getByTestId('problems').innerText().catch(() => '')));
    await setProperty(page, 'job-type', job);
    await page.getByTestId('check').click();
    await page.getByTestId('sound').waitFor();
    await page.getByTestId('deploy').click();

    await page.getByTestId('model').waitFor();
    await page.locator('[data-testid=diagram][data-ready]').waitFor();
    assert.match(await page.getByTestId('model-version').innerText(), /1/);
    const { body: { items: [model] } } = await get(page, '/processes/models?processId=p-drawn');
    assert.deepEqual([model.version, model.name, model.resourceName.endsWith('.bpmn')], [1, 'Tidy up', true]);
    const { body: whole } = await get(page, `/processes/models/${model.key}`);
    assert.match(whole.xml, new RegExp(`<zeebe:taskDefinition type="${job}" retries="1" ?/>`), 'what the engine reads is in the drawing');

    await page.getByTestId('start-instance').click();
    await page.getByTestId('start').click();
    await page.getByTestId('instance').waitFor();
    await page.locator('[data-testid=diagram][data-ready]').waitFor();
    const key = await page.getByTestId('instance-key').innerText();
    await page.getByTestId('incident').waitFor();
    await page.locator('.djs-shape.process-stuck[data-element-id=tidy]').waitFor();
    assert.deepEqual(await shownTokens(page), await activeOf(page, key), 'tokens are what the history calls active');
    assert.equal((await shownTokens(page)).length, 1);
    assert.match(await page.locator('.process-token-stuck').innerText(), /!/);

    // Trying again mends nothing by itself.
    const incidentOf = async () => (await instanceOf(page, key)).incidents[0]?.key;
    const first = await incidentOf();
    await page.getByTestId('resolve').click();
    await until('it fails again', async () => { const now = await incidentOf(); return now !== undefined && now !== first; });

    await page.getByTestId('add-variable').click();
    await page.locator('.dialog input[name=variable]').fill('userId');
    await page.locator('.dialog textarea[name=value]').fill(`"${nobody}"`);
    await page.getByTestId('set-variable').click();
    await page.locator('[data-variable=userId]').waitFor();
    await page.getByTestId('resolve').click();
    await page.locator('[data-testid=instance-state][data-state=completed]').waitFor();
    await page.locator('.djs-shape.process-passed[data-element-id=tidy]').waitFor();
    assert.equal(await page.getByTestId('incident').count(), 0);
    assert.deepEqual(await activeOf(page, key), []);
    const shown = await page.locator('[data-testid=history] li').evaluateAll((lines) => lines.map((line) => `${line.dataset.key} ${line.dataset.state}`));
    const told = (await get(page, `/processes/instances/${key}/elements`)).body.items.map((record) => `${record.elementInstanceKey} ${record.state}`);
    assert.deepEqual(shown, told);
  },

  'a model is edited: what the panel does not know is kept, and the next version is deployed': async (place) => {
    const page = await openOffice(place);
    const { body: { items } } = await get(page, '/processes/models?processId=p-client-request');
    const { body: before } = await get(page, `/processes/models/${items[0].key}`);
    await page.goto(`/office/processes/models/${items[0].key}/edit`);
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    await setProperty(page, 'name', 'Request of a client, ours');
    await page.getByTestId('deploy').click();
    await page.getByTestId('model').waitFor();
    await page.locator('[data-testid=diagram][data-ready]').waitFor();
    const { body: { items: versions } } = await get(page, '/processes/models?processId=p-client-request');
    assert.deepEqual(versions.map((model) => [model.version, model.newest]), [[2, true], [1, false]]);
    const { body: after } = await get(page, `/processes/models/${versions[0].key}`);
    // All that Zeebe's extensions say, in whatever order and quotes it is written.
    const extensions = (text) => page.evaluate((xml) => [...new DOMParser().parseFromString(xml, 'application/xml').getElementsByTagNameNS('http://camunda.org/schema/zeebe/1.0', '*')]
      .map((element) => `${element.closest('[id]').id} ${element.localName} ${[...element.attributes].map(({ name, value }) => `${name}=${value}`).sort().join(' ')}`).sort(), text);
    const kept = await extensions(before.xml);
    assert.ok(kept.length > 20, String(kept.length));
    assert.deepEqual(await extensions(after.xml), kept);
  },

  'whoever leaves the editor with changes is asked, by whatever way': async (place) => {
    const page = await openOffice(place);
    const { key } = await deploy(page, 'p-left', ['one']);
    const address = `/office/processes/models/${key}`;
    await page.goto(address);
    await page.locator('[data-testid=diagram][data-ready]').waitFor();
    const path = () => new URL(page.url()).pathname;
    const edit = async () => {
      await page.getByTestId('edit').click();
      await page.locator('[data-testid=drawing][data-ready]').waitFor();
    };
    const leave = async () => {
      await page.getByTestId('leave-sure').click();
      await page.locator('.dialog').waitFor({ state: 'detached' });
    };
    const stay = async () => {
      await page.getByTestId('stay').click();
      await page.locator('.dialog').waitFor({ state: 'detached' });
      assert.equal(path(), `${address}/edit`);
      assert.equal(await page.locator('[data-testid=panel] [name=name]').inputValue(), 'Changed');
    };
    const back = () => page.evaluate(() => history.back());

    // Nothing changed: nobody is asked.
    await edit();
    await back();
    await page.getByTestId('model').waitFor();
    await edit();
    await page.getByTestId('editor-close').click();
    await page.getByTestId('model').waitFor();

    await edit();
    // Typed and not left yet.
    await page.locator('[data-testid=panel] [name=name]').fill('Changed');
    await back();
    await stay();
    await page.getByTestId('editor-close').click();
    await stay();
    await page.locator('[data-part=tasks]').click();
    await stay();
    await page.locator('.top .button-icon').last().click();
    await page.locator('[data-key=logout]').click();
    await stay();
    await page.keyboard.press('Escape');
    const asked = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    const question = await asked;
    assert.equal(question.type(), 'beforeunload', 'the tab is closed');
    await question.dismiss();
    assert.equal(await page.locator('[data-testid=panel] [name=name]').inputValue(), 'Changed');

    // A question that is answered otherwise by Back is still one.
    await back();
    await leave();
    await page.getByTestId('model').waitFor();
    assert.equal(path(), address);
    await page.evaluate(() => history.forward());
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    assert.equal(await page.locator('[data-testid=panel] [name=name]').inputValue(), 'Tidy up', 'and the changes are gone');
    await setProperty(page, 'name', 'Changed');
    await page.locator('[data-part=tasks]').click();
    await leave();
    await page.locator('[data-part=tasks][aria-current=page]').waitFor();
    await back();
    await page.locator('[data-testid=drawing][data-ready]').waitFor();

    // What was undone is no change; what was deployed is none either.
    await setProperty(page, 'name', 'Changed');
    await page.getByTestId('undo').click();
    await page.getByTestId('editor-close').click();
    await page.getByTestId('model').waitFor();
    await edit();
    await setProperty(page, 'name', 'Changed');
    // The account lies over the editor, which goes on.
    await page.locator('.top .button-icon').last().click();
    await page.locator('[data-key=account]').click();
    await page.locator('.logins li').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.dialog').waitFor({ state: 'detached' });
    assert.equal(await page.locator('[data-testid=panel] [name=name]').inputValue(), 'Changed');
    await page.locator('input[type=file]').setInputFiles({ name: 'other.bpmn', mimeType: 'application/xml', buffer: Buffer.from(processModel('p-other', ['two'], job)) });
    await stay();
    await page.locator('input[type=file]').setInputFiles({ name: 'other.bpmn', mimeType: 'application/xml', buffer: Buffer.from(processModel('p-other', ['two'], job)) });
    await leave();
    await shape(page, 'two').waitFor();
    await page.getByTestId('editor-close').click();
    await page.getByTestId('stay').click();
    await page.getByTestId('deploy').click();
    await page.getByTestId('model').waitFor();
    assert.equal((await get(page, '/processes/models?processId=p-other')).body.items.length, 1);
  },

  'a drawing outlasts a session that ends by itself and a page that is loaded anew': async (place) => {
    const page = await openOffice(place);
    const { key } = await deploy(page, 'p-kept', ['one']);
    const address = `/office/processes/models/${key}/edit`;
    const ready = () => page.locator('[data-testid=drawing][data-ready]').waitFor();
    const name = () => page.locator('[data-testid=panel] [name=name]').inputValue();
    const kept = page.getByTestId('kept');
    await page.goto(address);
    await ready();
    assert.equal(await kept.count(), 0);
    await setProperty(page, 'name', 'Drawn');
    // Typed, and not yet taken over when the session ends.
    await page.locator('[data-testid=panel] [name=name]').fill('Drawn further');
    await page.context().request.delete('/api/v1/sessions/current', { headers: { Origin: place.url } });
    await page.locator('input[name=username]').waitFor();
    const enter = async (person) => {
      await page.locator('input[name=username]').fill(person.username);
      await page.locator('input[name=password]').fill(person.password);
      await page.locator('button[type=submit]').click();
    };
    await enter(people.admin);
    await kept.waitFor();
    await ready();
    assert.equal(new URL(page.url()).pathname, address, 'they go on where they were');
    assert.equal(await name(), 'Drawn further');

    await page.locator('[data-testid=panel] [name=name]').fill('Drawn at last');
    page.once('dialog', (question) => void question.accept());
    await page.reload();
    await kept.waitFor();
    await ready();
    assert.equal(await name(), 'Drawn at last');
    await page.getByTestId('drop-kept').click();
    await until('what is deployed is shown', async () => (await name()) === 'Tidy up');
    assert.equal(await kept.count(), 0);
    await page.reload();
    await ready();
    assert.equal(await kept.count(), 0, 'what was discarded does not come again');

    await setProperty(page, 'name', 'Deployed');
    await until('it is kept', () => page.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('Deployed')));
    await page.getByTestId('deploy').click();
    await page.getByTestId('model').waitFor();
    await until('nothing is kept of it', () => page.evaluate(() => !JSON.stringify({ ...sessionStorage }).includes('Deployed')));

    // What a person leaves in their tab is gone when they log out.
    await page.locator('[data-part=processes]').click();
    await page.getByTestId('new-model').click();
    await ready();
    await setProperty(page, 'name', 'Left behind');
    page.once('dialog', (question) => void question.accept());
    await page.goto('/office/processes');
    await page.getByTestId('new-model').waitFor();
    assert.match(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), /Left behind/);
    await page.locator('.top .button-icon').last().click();
    await page.locator('[data-key=logout]').click();
    await page.locator('input[name=username]').waitFor();
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), /Left behind/);
  },

  'what is typed in a hurry is kept, each as a step of its own': async (place) => {
    const page = await openOffice(place);
    const { key } = await deploy(page, 'p-hasty', ['one']);
    await page.goto(`/office/processes/models/${key}/edit`);
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    // Before the page was painted with what was typed before it.
    await page.evaluate(async () => {
      const field = document.querySelector('[data-testid=panel] [name=name]');
      for (const text of ['Hasty', 'Hastier']) {
        field.value = text;
        field.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await Promise.resolve().then(() => {});
        field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }));
        await Promise.resolve().then(() => {});
      }
    });
    for (const [step, shown] of [['undo', 'Hasty'], ['undo', 'Tidy up'], ['redo', 'Hasty'], ['redo', 'Hastier']]) {
      await page.getByTestId(step).click();
      await until(`${step} gives '${shown}'`, async () => (await page.locator('[data-testid=panel] [name=name]').inputValue()) === shown);
    }
  },

  'what was drawn is undone and done again, by buttons and by keys': async (place) => {
    const page = await openOffice(place);
    const { key } = await deploy(page, 'p-undone', ['one']);
    await page.goto(`/office/processes/models/${key}/edit`);
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    const name = () => page.locator('[data-testid=panel] [name=name]').inputValue();
    const can = async (undo, redo) => until(`undo: ${undo}, redo: ${redo}`, async () => (await page.getByTestId('undo').isEnabled()) === undo && (await page.getByTestId('redo').isEnabled()) === redo);
    const pressed = async (keys, expected) => {
      await page.keyboard.press(keys);
      await until(`${keys} gives '${expected}'`, async () => (await name()) === expected);
    };
    await can(false, false);
    await setProperty(page, 'name', 'First');
    await setProperty(page, 'name', 'Second');
    await can(true, false);
    await page.getByTestId('undo').click();
    await until('one step back', async () => (await name()) === 'First');
    await can(true, true);
    await page.getByTestId('redo').click();
    await until('and forth', async () => (await name()) === 'Second');
    await can(true, false);

    // Wherever the focus is, but in a text, which has steps of its own.
    await page.locator('.office-head h2').click();
    await pressed('Control+z', 'First');
    await pressed('Control+Shift+z', 'Second');
    await pressed('Control+z', 'First');
    await pressed('Control+z', 'Tidy up');
    await can(false, true);
    await page.keyboard.press('Control+z');
    await pressed('Control+y', 'First');
    await page.getByTestId('check').focus();
    await pressed('Control+Shift+z', 'Second');
    await can(true, false);
    // In the drawing, whose own keys are heard once.
    const label = (text) => until(`it is called ${text}`, async () => (await shape(page, 'one').locator('text').innerHTML()).replace(/<[^>]*>/g, '') === text);
    await chooseShape(page, 'one');
    await setProperty(page, 'name', 'Third');
    await label('Third');
    await shape(page, 'start').locator('.djs-hit').first().click();
    await page.keyboard.press('Control+z');
    await label('Do one');
    await can(true, true);
    await page.keyboard.press('Control+Shift+z');
    await label('Third');
    await can(true, false);
    // A keyboard with other letters.
    const russian = (typed, shiftKey) => page.evaluate(([key, shift]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, code: 'KeyZ', ctrlKey: true, shiftKey: shift, bubbles: true, cancelable: true })), [typed, shiftKey]);
    await russian('я', false);
    await label('Do one');
    await russian('Я', true);
    await label('Third');
    await chooseShape(page, 'one');
    await page.locator('[data-testid=panel] [name=name]').focus();
    await page.keyboard.type('!');
    await page.keyboard.press('Control+z');
    assert.equal(await name(), 'Third', 'the text alone');
    await can(true, false);
  },

  'the modeler speaks the language of the pages': async (place) => {
    const page = await openOffice(place);
    await chooseLanguage(page, 'ru');
    const { key } = await deploy(page, 'p-spoken', ['one']);
    await page.goto(`/office/processes/models/${key}/edit`);
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    const english = (titles) => titles.filter((title) => /^[^А-Яа-яЁё]*[a-z]{3}/i.test(title));
    const titlesOf = (selector) => page.locator(`${selector} .entry`).evaluateAll((entries) => entries.map((entry) => entry.ariaLabel ?? entry.title));
    const palette = await titlesOf('.djs-palette');
    assert.ok(palette.length > 8, palette.join());
    assert.deepEqual(english(palette), []);
    await chooseShape(page, 'one');
    assert.equal(await page.locator('[data-testid=panel] h3').innerText(), 'Сервисная задача');
    await page.locator('.djs-context-pad .entry').first().waitFor();
    const pad = await titlesOf('.djs-context-pad');
    assert.ok(pad.length > 5, pad.join());
    assert.deepEqual(english(pad), []);
    await page.locator('.djs-context-pad [data-action="replace"]').click();
    await page.locator('.djs-popup [data-id="replace-with-user-task"]').waitFor();
    const kinds = await page.locator('.djs-popup .entry[data-id^=replace-with]').evaluateAll((entries) => entries.map((entry) => entry.innerText.trim()));
    assert.ok(kinds.length > 8, kinds.join());
    assert.deepEqual(english(kinds), []);
    await page.keyboard.press('Escape');
    await chooseLanguage(page, 'en');
    await until('the palette follows', async () => (await titlesOf('.djs-palette')).includes('Create task'));
    await until('the panel, too', async () => (await page.locator('[data-testid=panel] h3').innerText()) === 'Service task');
  },

  'how often each element was passed stands on the diagram and in words, however long the way is': async (place) => {
    const page = await openOffice(place);
    const turns = 150;
    // A loop that goes round by itself, then a job that fails.
    const xml = processModel('p-round', ['turn', 'check'], job)
      .replace(/<bpmn:serviceTask id="turn"[^]*?<\/bpmn:serviceTask>/, '<bpmn:scriptTask id="turn"><bpmn:extensionElements><zeebe:script expression="=count + 1" resultVariable="count"/></bpmn:extensionElements></bpmn:scriptTask>')
      .replace('<bpmn:endEvent id="end"/>', `<bpmn:endEvent id="end"/><bpmn:exclusiveGateway id="again" default="to-check"/><bpmn:sequenceFlow id="round" sourceRef="again" targetRef="turn"><bpmn:conditionExpression>=count &lt; ${turns}</bpmn:conditionExpression></bpmn:sequenceFlow><bpmn:sequenceFlow id="to-again" sourceRef="turn" targetRef="again"/>`)
      .replace('<bpmn:sequenceFlow id="to-check" sourceRef="turn"', '<bpmn:sequenceFlow id="to-check" sourceRef="again"')
      .replace('</bpmndi:BPMNPlane>', '<bpmndi:BPMNShape id="again_di" bpmnElement="again"><dc:Bounds x="275" y="30" width="50" height="50"/></bpmndi:BPMNShape></bpmndi:BPMNPlane>');
    const { status, body } = await post(page, '/processes/models', { files: [{ name: 'round.bpmn', xml }] });
    assert.equal(status, 200, JSON.stringify(body));
    const key = await start(page, 'p-round', { count: 0 });
    await until('it stands still', async () => (await instanceOf(page, key)).hasIncident);
    await openInstance(page, key);
    const passed = (id) => page.locator(`[data-testid=passes] [data-element="${id}"]`);
    const badge = (id) => page.locator(`.djs-overlays[data-container-id="${id}"] .process-token-passed`);
    await passed('turn').waitFor();
    assert.deepEqual(await page.locator('[data-testid=passes] li').evaluateAll((lines) => lines.map((line) => `${line.dataset.element} ${line.dataset.passed}`).sort()), ['again 150', 'check 0', 'start 1', 'turn 150']);
    assert.equal(await badge('turn').innerText(), '150');
    assert.equal(await badge('start').innerText(), '1', 'passed long before the newest steps');
    await page.locator('.djs-shape.process-passed[data-element-id=start]').waitFor();
    assert.equal(await badge('check').count(), 0);
    const { body: counts } = await get(page, `/processes/instances/${key}/element-counts`);
    assert.deepEqual(counts.items.find((count) => count.elementId === 'check'), { elementId: 'check', completed: 0, terminated: 0, active: 1 });

    // The step is beyond those that are shown at first, and is looked for.
    const steps = page.locator('[data-testid=history] li');
    assert.equal(await steps.count(), 100);
    await passed('start').locator('button').focus();
    await page.keyboard.press('Enter');
    await until('the only step of the start', async () => (await steps.count()) === 1 && (await steps.first().getAttribute('data-element')) === 'start');
    await page.locator('.djs-shape.process-chosen[data-element-id=start]').waitFor();
    await page.keyboard.press('Enter');
    await until('all', async () => (await steps.count()) > 200);
    // Each once, the newest first, without a hole.
    await page.evaluate(([address, value]) => fetch(`/api/v1${address}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ variables: { userId: value } }) }), [`/processes/instances/${key}/variables`, nobody]);
    await page.getByTestId('retry').click();
    await page.locator('[data-testid=instance-state][data-state=completed]').waitFor();
    await until('the end is passed', async () => (await passed('end').getAttribute('data-passed').catch(() => '')) === '1');
    const told = [];
    for (let cursor; ;) {
      const { body: part } = await get(page, `/processes/instances/${key}/elements?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
      told.push(...part.items);
      cursor = part.nextCursor;
      if (!cursor) break;
    }
    const more = page.locator('section:has([data-testid=history]) > .button');
    while ((await more.count()) > 0) {
      const before = await steps.count();
      await more.click();
      await until('more steps', async () => (await steps.count()) > before || (await more.count()) === 0);
    }
    assert.deepEqual(await steps.evaluateAll((lines) => lines.map((line) => `${line.dataset.key} ${line.dataset.state}`)), told.map((record) => `${record.elementInstanceKey} ${record.state}`));
  },

  'decisions are deployed, refused with the reason, listed by version, and each is shown as its table': async (place) => {
    const page = await openOffice(place);
    await page.locator('[data-part=processes]').click();
    await page.locator('[data-view=decisions]').click();
    const deployFile = (xml) => page.locator('input[type=file]').setInputFiles({ name: 'prices.dmn', mimeType: 'application/xml', buffer: Buffer.from(xml) });
    await deployFile(decisionModel().replace('rates.base / 20', 'rates.base /'));
    await page.getByTestId('problems').waitFor();
    assert.deepEqual((await get(page, '/processes/decisions')).body.items, []);
    await deployFile(decisionModel());
    const lines = page.locator('.table tbody tr');
    await until('both of the file', async () => (await lines.count()) === 2);
    assert.equal(await page.getByTestId('problems').count(), 0);
    await deployFile(decisionModel('15'));
    await until('two versions of each', async () => (await lines.count()) === 4);
    assert.deepEqual(await lines.locator('th .link').allInnerTexts(), ['Discount', 'Rates', 'Discount', 'Rates']);
    await page.locator('.filters input[name=decision]').fill('discount');
    await page.locator('.filters input[name=decision]').press('Enter');
    await until('of one decision', async () => (await lines.count()) === 2);
    await lines.first().locator('th .link').click();

    await page.getByTestId('decision').waitFor();
    assert.match(await page.getByTestId('decision-version').innerText(), /2/);
    assert.match(await page.getByTestId('hit-policy').innerText(), /First/);
    const table = page.getByTestId('rules');
    assert.deepEqual(await table.locator('thead tr').nth(1).locator('th').evaluateAll((heads) => heads.map((head) => head.innerText.replace(/\s+/g, ' ').trim())), ['Years with us years number', 'Kind kind string "private","insured"', 'Discount in percent number']);
    const cells = (row) => table.locator('tbody tr').nth(row).locator('th, td').allInnerTexts();
    assert.deepEqual((await cells(0)).map((text) => text.trim()).slice(0, 4), ['1', '>= 5', '"private"', '15']);
    assert.deepEqual((await cells(2)).map((text) => text.trim()), ['3', '-', '-', 'rates.base / 20', 'All others']);
    assert.deepEqual(await page.getByTestId('needs').locator('li').allInnerTexts(), ['input years', 'decision Rates']);
    await page.getByTestId('versions').locator('.link').click();
    await until('the first version', async () => (await cells(0).catch(() => []))[3]?.trim() === '10');

    await page.getByTestId('needs').locator('.link').click();
    await page.locator('[data-testid=logic] dl').first().waitFor();
    assert.deepEqual(await page.locator('[data-testid=logic] dt').allInnerTexts(), ['base', 'kinds', '1', '2']);
    assert.deepEqual(await page.locator('[data-testid=logic] .process-feel').allInnerTexts(), ['100', '"private"', '"insured"']);
    assert.match(await page.getByTestId('decision-version').innerText(), /1/, 'that of the same file');
  },

  'tokens are moved, or it is said why not; instances are migrated after a dry run that tells of each': async (place) => {
    const page = await openOffice(place);
    await deploy(page, 'p-moved', ['one', 'two']);
    const key = await start(page, 'p-moved');
    const other = await start(page, 'p-moved');
    await openInstance(page, key);
    await page.getByTestId('incident').waitFor();
    await page.getByTestId('modify').click();
    await page.locator('.dialog select[name=begin]').selectOption('two');
    await page.getByTestId('modify-check').click();
    await page.getByTestId('possible').waitFor();
    assert.equal((await instanceOf(page, key)).active[0].elementId, 'one', 'a check changes nothing');
    await page.getByTestId('modify-make').click();
    await page.locator('[data-testid=tokens] [data-element=two]').waitFor();
    assert.deepEqual(await shownTokens(page), await activeOf(page, key));

    await deploy(page, 'p-moved', ['one', 'three']);
    const model = (await get(page, '/processes/models?processId=p-moved')).body.items[1];
    assert.equal(model.active, 2);
    await page.goto(`/office/processes/models/${model.key}`);
    await page.getByTestId('migrate-all').click();
    await page.locator('.dialog select[name=target]').selectOption({ index: 1 });
    await page.locator('.dialog select[name=map-one]').waitFor();
    await page.getByTestId('migrate-check').click();
    const outcome = (of) => page.locator(`[data-testid=migration-outcomes] [data-key="${of}"]`);
    await outcome(key).waitFor();
    assert.match(await outcome(key).innerText(), /'two'/, 'why not');
    assert.match(await outcome(other).innerText(), /^\d+\s*can$/);
    assert.equal((await instanceOf(page, other)).version, 1, 'a dry run changes nothing');
    await page.locator('.dialog select[name=map-two]').selectOption('three');
    await page.getByTestId('migrate-check').click();
    await until('both can', async () => /can$/.test(await outcome(key).innerText().catch(() => '')));
    await page.getByTestId('migrate-make').click();
    await until('both have', async () => (await instanceOf(page, key)).version === 2 && (await instanceOf(page, other)).version === 2);
    assert.equal((await instanceOf(page, key)).active[0].elementId, 'three');
    await page.getByTestId('migrate-close').click();

    await openInstance(page, key);
    await page.getByTestId('cancel').click();
    await page.getByTestId('cancel-sure').click();
    await page.locator('[data-testid=instance-state][data-state=terminated]').waitFor();
  },

  'a job is tried again from its token': async (place) => {
    const page = await openOffice(place);
    await deploy(page, 'p-retried', ['one']);
    const key = await start(page, 'p-retried');
    await openInstance(page, key);
    await page.getByTestId('retry').waitFor();
    await page.evaluate(([address, value]) => fetch(`/api/v1${address}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ variables: { userId: value } }) }), [`/processes/instances/${key}/variables`, nobody]);
    await page.getByTestId('retry').click();
    await page.locator('[data-testid=instance-state][data-state=completed]').waitFor();
  },

  'instances are filtered and paged, and what was just started is in the list': async (place) => {
    const page = await openOffice(place);
    await deploy(page, 'p-listed', ['one']);
    const keys = [];
    for (let i = 0; i < 53; i += 1) keys.push(await start(page, 'p-listed', i % 2 === 0 ? { userId: nobody } : {}));
    await page.goto('/office/processes/instances');
    const lines = page.locator('.table tbody tr');
    await lines.first().waitFor();
    assert.equal(await lines.first().locator('a').innerText(), keys.at(-1));
    assert.equal(await lines.count(), 50);
    await page.locator('.filters input[name=process]').fill('p-listed');
    await page.locator('.filters input[name=process]').press('Enter');
    await until('the filter holds', async () => (await page.getByTestId('all-instances').count()) === 1 && (await lines.count()) === 50);
    await page.locator('.office-main > .button').click();
    await until('the second page', async () => (await lines.count()) === 53);
    await page.locator('.filters select[name=incident]').selectOption('true');
    await until('those alone that stand still', async () => (await lines.count()) === 26);
    await page.locator('.filters select[name=incident]').selectOption('');
    await page.locator('.filters select[name=state]').selectOption('completed');
    await until('those alone that have ended', async () => (await lines.count()) === 27);
    await page.getByTestId('all-instances').click();
    await page.locator('.filters input[name=element]').fill('one');
    await page.locator('.filters input[name=element]').press('Enter');
    await until('those that are there', async () => (await lines.count()) === 26);
    const fresh = await start(page, 'p-listed');
    await page.locator('.office-head .button', { hasText: 'Refresh' }).click();
    await until('the newest is the first', async () => (await lines.first().locator('a').innerText()) === fresh);

    // The address says what is looked for: it outlasts a page that is loaded anew, and Back comes to it.
    const asked = () => new URL(page.url()).search;
    assert.equal(asked(), '?element=one');
    await page.reload();
    await until('the same after loading anew', async () => (await lines.count()) === 27);
    assert.equal(await page.locator('.filters input[name=element]').inputValue(), 'one');
    await page.locator('.filters select[name=incident]').selectOption('false');
    await until('none of them stands still', async () => (await lines.count()) <= 1 && asked() === '?incident=false&element=one');
    await page.locator('.filters select[name=incident]').selectOption('true');
    await until('all stand still', async () => (await lines.count()) === 27);
    await lines.last().locator('a').click();
    await page.getByTestId('instance').waitFor();
    assert.equal(asked(), '');
    await page.evaluate(() => history.back());
    await until('back at the same list', async () => (await lines.count()) === 27 && asked() === '?incident=true&element=one');
    await lines.last().locator('a').click();
    await page.getByTestId('instance').waitFor();
    await page.locator('main > .link').first().click();
    await until('the way back leads to it, too', async () => (await lines.count()) === 27 && asked() === '?incident=true&element=one');
    await page.getByTestId('all-instances').click();
    await until('all again', async () => (await lines.count()) === 50 && asked() === '');
  },

  'BP-1 a user task tells who is to do it and by when': async (place) => {
    const page = await openOffice(place);
    const xml = processModel('p-visit', ['visit'], job).replace(/<bpmn:serviceTask id="visit"(.*?)<zeebe:taskDefinition[^>]*>(.*?)<\/bpmn:serviceTask>/, (_, head, tail) =>
      `<bpmn:userTask id="visit"${head}<zeebe:assignmentDefinition assignee="anna" candidateGroups="nurses, doctors" candidateUsers="=users"/><zeebe:taskSchedule dueDate="2030-01-01T10:00:00Z" followUpDate="2029-12-24T10:00:00Z"/><zeebe:userTask/><zeebe:formDefinition externalReference="form-1"/><zeebe:priorityDefinition priority="60"/>${tail}</bpmn:userTask>`)
      .replace('<bpmn:startEvent', '<bpmn:extensionElements><zeebe:jobPriorityDefinition priority="7"/></bpmn:extensionElements><bpmn:startEvent');
    const { status, body } = await post(page, '/processes/models', { files: [{ name: 'visit.bpmn', xml }] });
    assert.equal(status, 200, JSON.stringify(body));
    const key = await start(page, 'p-visit', { users: ['boris', 'clara'] });
    for (const [language, words] of [['en', ['Assignee', 'Candidate users', 'Candidate groups', 'Due date', 'Follow-up date', 'Form key', 'Priority']], ['ru', ['Исполнитель', 'Кандидаты', 'Группы', 'Срок', 'Напомнить', 'Ключ формы', 'Приоритет']]]) {
      await chooseLanguage(page, language);
      await openInstance(page, key);
      const facts = page.getByTestId('user-task');
      await facts.waitFor();
      assert.deepEqual(await facts.locator('dt').allInnerTexts(), words);
      const [assignee, users, groups, due, followUp, form, priority] = await facts.locator('dd').allInnerTexts();
      assert.deepEqual([assignee, users, groups, form, priority], ['anna', 'boris, clara', 'nurses, doctors', 'form-1', '60']);
      assert.match(`${due} ${followUp}`, /2030.*2029/);
      assert.deepEqual(await facts.locator('time').evaluateAll((times) => times.map((time) => new Date(time.dateTime).toISOString())), ['2030-01-01T10:00:00.000Z', '2029-12-24T10:00:00.000Z']);
      assert.match(await page.getByTestId('priority').innerText(), /7/);
    }
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await look(page, `user-task-${width}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `no wider than ${width}`);
    }
  },

  'the trace of a worker keeps its lines': async (place) => {
    const page = await openOffice(place);
    await deploy(page, 'p-traced', ['one']);
    const key = await start(page, 'p-traced');
    await until('it stands still', async () => (await instanceOf(page, key)).incidents.length === 1);
    const trace = 'Error: no\n    at one (a.js:1)\n    at two (b.js:2)';
    const traced = async (route) => {
      const reply = await route.fetch();
      const body = await reply.json();
      for (const incident of body.incidents ?? body.items) incident.message = trace;
      await route.fulfill({ response: reply, json: body });
    };
    await page.route(`**/api/v1/processes/instances/${key}`, traced);
    await page.route('**/api/v1/incidents*', traced);
    await openInstance(page, key);
    assert.equal(await page.getByTestId('incident-message').innerText(), trace);
    await page.goto('/office/incidents');
    await page.locator('.trace').first().waitFor();
    assert.equal(await page.locator('.trace').first().innerText(), trace);
  },

  'a model without a drawing is edited as text': async (place) => {
    const page = await openOffice(place);
    const undrawn = processModel('p-undrawn', ['one'], job).replace(/<bpmndi:BPMNDiagram.*<\/bpmndi:BPMNDiagram>/, '');
    const { status, body } = await post(page, '/processes/models', { files: [{ name: 'undrawn.bpmn', xml: undrawn }] });
    assert.equal(status, 200, JSON.stringify(body));
    await page.goto(`/office/processes/models/${body.items[0].key}/edit`);
    await page.getByTestId('no-drawing').waitFor();
    const text = page.locator('textarea[name=text]');
    assert.equal(await text.inputValue(), undrawn);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await look(page, `undrawn-${width}`);
    }
    await page.getByTestId('check').click();
    await page.getByTestId('sound').waitFor();
    await text.fill(undrawn.replace(`type="${job}"`, 'type=""'));
    await page.getByTestId('deploy').click();
    await page.locator('[data-testid=problems] [data-element=one] button').first().click();
    assert.equal(await text.evaluate((field) => field.value.slice(field.selectionStart, field.selectionEnd)), 'id="one"');
    // What is written outlasts a page that is loaded anew, and whoever leaves it is asked.
    await text.fill(undrawn.replace('name="Tidy up"', 'name="Written"'));
    await until('it is kept', () => page.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('Written')));
    await page.getByTestId('editor-close').click();
    await page.getByTestId('stay').click();
    page.once('dialog', (question) => void question.accept());
    await page.reload();
    await page.getByTestId('kept').waitFor();
    assert.match(await text.inputValue(), /Written/);
    await page.getByTestId('deploy').click();
    await page.getByTestId('model').waitFor();
    assert.equal((await get(page, '/processes/models?processId=p-undrawn')).body.items[0].name, 'Written');

    // From a file, and a drawn one after it.
    const open = (name, xml) => page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/xml', buffer: Buffer.from(xml) });
    await page.goto('/office/processes/new');
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    await open('undrawn.bpmn', undrawn);
    await page.getByTestId('no-drawing').waitFor();
    assert.equal(await page.getByTestId('panel').count(), 0);
    await open('drawn.bpmn', processModel('p-drawn-after', ['two'], job));
    await page.getByTestId('leave-sure').click();
    await shape(page, 'two').waitFor();
    assert.equal(await page.getByTestId('no-drawing').count(), 0);
    await page.getByTestId('panel').waitFor();
    await open('none.bpmn', 'no XML');
    await page.getByTestId('leave-sure').click();
    await page.getByText('This file is no BPMN.').waitFor();
    assert.equal(await shape(page, 'two').count(), 1, 'what was there stays');
  },

  'the panel changes loops, users, dates, forms, bindings, tags and priorities, and the engine takes them': async (place) => {
    const page = await openOffice(place);
    const xml = processModel('p-panel', ['work', 'visit'], job)
      .replace(/<bpmn:serviceTask id="work"(.*?)<\/bpmn:extensionElements>/, '$&<bpmn:multiInstanceLoopCharacteristics/>')
      .replace(/<bpmn:serviceTask id="visit"[^>]*>.*?<\/bpmn:serviceTask>/, '<bpmn:userTask id="visit"/>');
    await page.goto('/office/processes/new');
    await page.locator('[data-testid=drawing][data-ready]').waitFor();
    await page.locator('input[type=file]').setInputFiles({ name: 'panel.bpmn', mimeType: 'application/xml', buffer: Buffer.from(xml) });
    await shape(page, 'visit').waitFor();
    await setProperty(page, 'tag', '1.2');
    await setProperty(page, 'priority', '5');
    await look(page, 'panel-process');
    // The one at the right first: a menu stands at the right of what is chosen.
    await chooseShape(page, 'visit');
    for (const [name, value] of [['users', 'boris, clara'], ['due', '=now()'], ['follow-up', '2030-01-01T10:00:00Z'], ['form-id', 'address']]) await setProperty(page, name, value);
    await page.locator('[data-testid=panel] [name=binding]').selectOption('versionTag');
    await setProperty(page, 'bound-tag', 'v2');
    await look(page, 'panel-user-task');
    await chooseShape(page, 'work');
    for (const [name, value] of [['input-collection', '=people'], ['input-element', 'person'], ['output-collection', 'answers'], ['output-element', '=answer'], ['completion', 'count(answers) > 2'], ['priority', '9']]) await setProperty(page, name, value);
    await look(page, 'panel-loop');
    await page.setViewportSize({ width: 390, height: 800 });
    await look(page, 'panel-390');
    await page.getByTestId('deploy').click();
    await page.getByTestId('model').waitFor();
    const { body: { items: [model] } } = await get(page, '/processes/models?processId=p-panel');
    const { body: { xml: deployed } } = await get(page, `/processes/models/${model.key}`);
    for (const part of ['<zeebe:versionTag value="1.2"', '<zeebe:jobPriorityDefinition priority="5"', '<zeebe:jobPriorityDefinition priority="9"', '<zeebe:loopCharacteristics inputCollection="=people" inputElement="person" outputCollection="answers" outputElement="=answer"', '=count(answers) &gt; 2</bpmn:completionCondition>', 'candidateUsers="boris, clara"', '<zeebe:taskSchedule dueDate="=now()" followUpDate="2030-01-01T10:00:00Z"', '<zeebe:formDefinition formId="address" bindingType="versionTag" versionTag="v2"']) assert.ok(deployed.includes(part), part);
  },

  'the sign of the diagrams\' makers is seen, and a client loads nothing of the diagrams': async (place) => {
    const page = await openOffice(place);
    const { body: { items } } = await get(page, '/processes/models');
    for (const size of Object.values(widths)) {
      await page.setViewportSize(size);
      for (const address of [`/office/processes/models/${items[0].key}`, `/office/processes/models/${items[0].key}/edit`]) {
        await page.goto(address);
        const sign = page.locator('.bjs-powered-by');
        await sign.waitFor();
        await page.locator('[data-ready]').waitFor();
        await sign.scrollIntoViewIfNeeded();
        const onTop = await sign.evaluate((element) => {
          const { left, right, top, bottom } = element.getBoundingClientRect();
          const points = [[left + 3, top + 3], [right - 3, top + 3], [left + 3, bottom - 3], [right - 3, bottom - 3], [(left + right) / 2, (top + bottom) / 2]];
          return points.every(([x, y]) => element.contains(document.elementFromPoint(x, y)));
        });
        assert.ok(onTop, `${address} at ${size.width}`);
      }
    }
    const licences = await (await page.request.get('/licences.txt')).text();
    for (const name of ['bpmn-js', 'diagram-js', 'preact', 'zeebe-bpmn-moddle']) assert.match(licences, new RegExp(`^${name} \\d`, 'm'));
    assert.match(licences, /watermark must stay fully visible/);
    const loaded = [];
    const client = await openClient(place, people.boris, {});
    client.on('request', (request) => loaded.push(request.url()));
    await client.reload();
    await client.getByTestId('composer').waitFor();
    const scripts = loaded.filter((each) => each.endsWith('.js'));
    assert.ok(scripts.length > 0);
    assert.deepEqual(loaded.filter((each) => /process|Viewer|editor|bpmn|office/i.test(new URL(each).pathname)), []);
  },

  'who may look but not change sees no buttons that change': async (place) => {
    const admin = await openOffice(place);
    await deploy(admin, 'p-seen', ['one']);
    const key = await start(admin, 'p-seen');
    const link = await place.command('user', 'add', 'vera', '--role', 'supervisor', '--first-name', 'Vera', '--last-name', 'Office');
    const context = await place.browser.newContext({ baseURL: place.url, locale: 'en-US', serviceWorkers: 'block' });
    const page = await context.newPage();
    await page.goto(link.replace(/^https?:\/\/[^/]+/, ''));
    await page.locator('input[name=new-password]').fill(people.admin.password);
    await page.locator('input[name=repeat-password]').fill(people.admin.password);
    await page.locator('button[type=submit]').click();
    await page.getByText('Password saved').waitFor();
    await logIn(page, { username: 'vera', password: people.admin.password });
    await page.locator('[data-part=processes]').click();
    await page.locator('.table .link').first().waitFor();
    assert.equal(await page.getByTestId('new-model').count(), 0);
    await openInstance(page, key);
    await page.getByTestId('incident').waitFor();
    for (const button of ['resolve', 'retry', 'modify', 'migrate', 'cancel', 'add-variable']) assert.equal(await page.getByTestId(button).count(), 0, button);
  },
});
