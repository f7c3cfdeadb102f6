// How soon a client can write: from the navigation with an empty cache until the place to write is there, on a phone that is four
// times slower than this machine (CPU) behind a slow mobile line: 150 ms a round trip, 1.6 Mbit/s down, 0.75 Mbit/s up.
//   node tests/load/page_bench.mjs [--loads 9] [--waterfall]
import { withBrowser, widths } from '../../web/scripts/walk.mjs';
import { people, startPlatform } from '../e2e/platform.mjs';

const value = (name, otherwise) => (process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise);
const loads = value('--loads', 9);
const wantsWaterfall = process.argv.includes('--waterfall');
const slowLine = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 };
const slowness = 4;
const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];

// In the page, before its own scripts: notes when what `selector` names is there.
const watch = (selector) => {
  const look = () => {
    if (globalThis.usableAt !== undefined || !document.querySelector(selector)) return;
    globalThis.usableAt = performance.now();
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
};

async function load(browser, url, person, selector) {
  const context = await browser.newContext({ baseURL: url, viewport: widths.narrow, locale: 'ru-RU', serviceWorkers: 'block' });
  try {
    if (person) await context.request.post('/api/v1/sessions', { data: person, headers: { Origin: url } });
    const page = await context.newPage();
    await page.addInitScript(watch, selector);
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', slowLine);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowness });
    let bytes = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await page.goto('/', { waitUntil: 'commit' });
    await page.waitForFunction(() => globalThis.usableAt !== undefined, undefined, { timeout: 60_000, polling: 100 });
    const usable = await page.evaluate(() => globalThis.usableAt);
    const waterfall = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name, startTime, responseEnd, transferSize }) => [new URL(name).pathname, Math.round(startTime), Math.round(responseEnd), transferSize]));
    return { usable, bytes, waterfall };
  } finally {
    await context.close();
  }
}

async function measure(browser, url, title, person, selector) {
  const seen = [];
  for (let i = 0; i < loads; i += 1) seen.push(await load(browser, url, person, selector));
  const times = seen.map((one) => one.usable);
  console.log(`${title}: usable after ${Math.round(median(times))} ms (median of ${loads}; ${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))}), ${Math.round(median(seen.map((one) => one.bytes)) / 1000)} kB`);
  if (wantsWaterfall) for (const [path, start, end, size] of seen.at(-1).waterfall) console.log(`  ${String(start).padStart(5)} ${String(end).padStart(5)} ${String(size).padStart(7)}  ${path}`);
}

const platform = await startPlatform({ CONSILIUM_LIMITS_LOGINS__PER__MINUTE: '1000' });
try {
  await withBrowser({}, async (browser) => {
    await measure(browser, platform.url, "the client's page", people.anna, '[data-testid=composer]');
    await measure(browser, platform.url, 'the login', null, 'input[type=password]');
  });
} finally {
  await platform.stop();
}
