// Another application lets people log in through the platform: an unmodified client library of OpenID Connect, a person in a
// browser, and what must not be possible.
//   node tests/e2e/openid_test.mjs
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { withBrowser } from '../../web/scripts/walk.mjs';
import { people, startPlatform } from './platform.mjs';

const { Issuer, generators } = createRequire(new URL('../../web/package.json', import.meta.url))('openid-client');

const secret = 'a secret of: the portal + its & signs';
const patience = 10_000;

/** The application, on another site than the platform: browsers take `localhost` and `127.0.0.1` for different ones. */
async function startPortal() {
  const portal = { client: null, wishes: {}, asked: null, tokens: null, parameters: null, failure: null };
  const server = createServer((request, response) => void answer(request, response).catch((error) => {
    portal.failure = error;
    response.end(`failed: ${error.message}`);
  }));
  const answer = async (request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    if (request.url === '/start') {
      const verifier = generators.codeVerifier();
      portal.asked = { verifier, state: generators.state(), nonce: generators.nonce() };
      const location = portal.client.authorizationUrl({
        scope: 'openid profile email', state: portal.asked.state, nonce: portal.asked.nonce, code_challenge: generators.codeChallenge(verifier), code_challenge_method: 'S256', ...portal.wishes,
      });
      response.writeHead(302, { Location: location }).end();
    } else if (request.url.startsWith('/back')) {
      portal.parameters = portal.client.callbackParams(request);
      // Checks issuer, signature by the published keys, audience, times, nonce and age.
      portal.tokens = await portal.client.callback(portal.back, portal.parameters, { state: portal.asked.state, nonce: portal.asked.nonce, code_verifier: portal.asked.verifier, max_age: portal.wishes.max_age });
      response.end(`welcome ${(await portal.client.userinfo(portal.tokens)).name}`);
    } else {
      response.writeHead(404).end();
    }
  };
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  portal.url = `http://localhost:${server.address().port}`;
  portal.back = `${portal.url}/back`;
  portal.stop = () => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  });
  return portal;
}

const start = (page, portal, wishes = {}) => {
  Object.assign(portal, { wishes, tokens: null, failure: null });
  return page.goto(`${portal.url}/start`);
};
const welcomed = async (page, portal, name) => {
  try {
    await page.getByText(`welcome ${name}`).waitFor({ timeout: patience });
  } catch (error) {
    throw new Error(`${page.url()}: ${portal.failure?.stack ?? (await page.content()).slice(0, 500)}`, { cause: error });
  }
};
async function giveThePassword(page, person) {
  await page.locator('input[name="username"]').fill(person.username);
  await page.locator('input[name="password"]').fill(person.password);
  await page.locator('button[type="submit"]').click();
}
const oauthError = (error) => error.error;
const refusedWith = (expected) => (error) => {
  assert.equal(oauthError(error), expected);
  return true;
};

async function everything(browser, platform, portal) {
  const issuer = await Issuer.discover(platform.url);
  assert.equal(issuer.metadata.issuer, platform.url);
  const metadata = { client_id: 'portal', client_secret: secret, redirect_uris: [portal.back], response_types: ['code'], id_token_signed_response_alg: 'ES256' };
  portal.client = new issuer.Client(metadata);
  const context = await browser.newContext({ locale: 'en-US' });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  let sub = null;

  await check('a person logs in to the application', async () => {
    await start(page, portal);
    await page.waitForURL(`${platform.url}/login?next=**`);
    await giveThePassword(page, people.anna);
    await welcomed(page, portal, 'Anna Ivanova');
    const claims = portal.tokens.claims();
    sub = claims.sub;
    assert.equal(claims.iss, platform.url);
    assert.equal(claims.aud, 'portal');
    assert.equal(portal.parameters.iss, platform.url);
    assert.equal(portal.tokens.scope, 'openid profile email');
  });
  await check('who is logged in is not asked again, also from another site', async () => {
    await start(page, portal);
    await welcomed(page, portal, 'Anna Ivanova');
    assert.equal(portal.tokens.claims().sub, sub);
  });
  await check('unless the application wishes it', async () => {
    await start(page, portal, { prompt: 'login', max_age: 60 });
    await page.waitForURL(`${platform.url}/login?next=**&again=1`);
    await giveThePassword(page, people.boris);
    await welcomed(page, portal, 'Boris Brown');
    assert.notEqual(portal.tokens.claims().sub, sub);
  });
  await check('nobody is shown a page that was not to be shown', async () => {
    const fresh = await browser.newContext();
    const other = await fresh.newPage();
    await start(other, portal, { prompt: 'none' });
    await other.getByText('failed: login_required').waitFor();
    assert.equal(portal.parameters.state, portal.asked.state);
    await fresh.close();
  });
  await check('tokens are refreshed, and open nothing else', async () => {
    const first = portal.tokens ?? (await start(page, portal), await welcomed(page, portal, 'Boris Brown'), portal.tokens);
    const second = await portal.client.refresh(first);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(second.claims().sub, first.claims().sub);
    assert.equal((await portal.client.userinfo(second)).given_name, 'Boris');
    const api = await fetch(`${platform.url}/api/v1/users/me`, { headers: { Authorization: `Bearer ${second.access_token}` } });
    assert.equal(api.status, 401);
    const refresh = await fetch(`${platform.url}/api/v1/sessions/refresh`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ refreshToken: second.refresh_token }) });
    assert.equal(refresh.status, 401);
    await portal.client.userinfo(second);
  });
  await check('a code that comes again ends what it gave', async () => {
    await start(page, portal);
    await welcomed(page, portal, 'Boris Brown');
    const { tokens } = portal;
    const again = portal.client.grant({ grant_type: 'authorization_code', code: portal.parameters.code, redirect_uri: portal.back, code_verifier: portal.asked.verifier });
    await assert.rejects(again, refusedWith('invalid_grant'));
    await assert.rejects(portal.client.userinfo(tokens));
    await assert.rejects(portal.client.refresh(tokens), refusedWith('invalid_grant'));
  });
  await check('an application without its secret gets nothing', async () => {
    const impostor = new issuer.Client({ ...metadata, client_secret: 'guessed' });
    await assert.rejects(impostor.grant({ grant_type: 'refresh_token', refresh_token: 'x' }), refusedWith('invalid_client'));
  });
  await check('one without a secret is protected by PKCE', async () => {
    const whole = portal.client;
    portal.client = new issuer.Client({ client_id: 'page', token_endpoint_auth_method: 'none', redirect_uris: [portal.back], response_types: ['code'], id_token_signed_response_alg: 'ES256' });
    await start(page, portal);
    await welcomed(page, portal, 'Boris Brown');
    assert.equal(portal.tokens.claims().aud, 'page');
    portal.client = whole;
  });
  await check('nobody is sent to an address that is not registered', async () => {
    for (const [name, value] of [['redirect_uri', 'https://evil.example/back'], ['redirect_uri', `${portal.back}/x`], ['client_id', 'nobody']]) {
      const address = new URL(portal.client.authorizationUrl({ state: 's', code_challenge: 'x' }));
      address.searchParams.set(name, value);
      await page.goto(address.href);
      assert.equal(new URL(page.url()).origin, platform.url, `${name}=${value}`);
      await page.getByRole('heading').waitFor();
    }
    const outsider = await (await browser.newContext()).newPage();
    await outsider.goto(`${platform.url}/login?next=${encodeURIComponent('//evil.example/')}`);
    await giveThePassword(outsider, people.boris);
    await outsider.getByTestId('composer').waitFor();
    assert.equal(new URL(outsider.url()).origin, platform.url);
    await outsider.context().close();
  });
  await check('a person sees the application among their sessions and ends it', async () => {
    await start(page, portal);
    await welcomed(page, portal, 'Boris Brown');
    await page.goto(platform.url);
    const ended = await page.evaluate(async () => {
      const { items } = await (await fetch('/api/v1/sessions')).json();
      const mine = items.filter((one) => one.userAgent === 'The portal');
      for (const one of mine) await fetch(`/api/v1/sessions/${one.id}`, { method: 'DELETE', headers: { 'Content-Type': 'application/json' } });
      return mine.length;
    });
    assert.ok(ended > 0);
    await assert.rejects(portal.client.userinfo(portal.tokens));
  });
  await check('no code, token or secret is written down', async () => {
    for (const text of [portal.parameters.code, portal.tokens.access_token, portal.tokens.refresh_token, portal.tokens.id_token, portal.asked.verifier, secret])
      assert.ok(!platform.log().includes(text));
  });
}

let failed = false;
async function check(name, run) {
  const began = Date.now();
  try {
    await run();
    console.log(`PASS ${name} [${((Date.now() - began) / 1000).toFixed(1)}s]`);
  } catch (error) {
    failed = true;
    console.log(`FAIL ${name}: ${String(error.stack ?? error).replace(/\s+/g, ' ')}`);
  }
}

const portal = await startPortal();
try {
  const platform = await startPlatform({
    CONSILIUM_LIMITS_LOGINS__PER__MINUTE: '1000',
    CONSILIUM_SESSIONS_CLIENTS_PORTAL_NAME: 'The portal',
    CONSILIUM_SESSIONS_CLIENTS_PORTAL_REDIRECT__URIS: portal.back,
    CONSILIUM_SESSIONS_CLIENTS_PORTAL_SECRET__SHA256: createHash('sha256').update(secret).digest('hex'),
    CONSILIUM_SESSIONS_CLIENTS_PAGE_REDIRECT__URIS: portal.back,
  });
  try {
    await withBrowser({}, (browser) => everything(browser, platform, portal));
  } finally {
    await platform.stop();
  }
} finally {
  await portal.stop();
}
process.exit(failed ? 1 : 0);
