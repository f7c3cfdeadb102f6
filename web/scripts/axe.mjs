// Accessibility of every page in light and dark, English and Russian, at 360 and 1280 pixels: no violation is accepted.
//   npm run axe [-- --url http://127.0.0.1:8080 --client anna:… --consultant clara:… --administrator admin:… --language ru]
// A server must be fresh: the walk begins where nobody is online and nothing was asked.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { readOptions, themes, walk, widths, withBrowser, withServer } from './walk.mjs';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const options = readOptions();
const complaints = [];
const violations = [];
let checked = 0;

await withBrowser(options, async (browser) => {
  for (const language of options.languages) {
    await withServer(options, (url) => walk({
      browser, url, people: options.people, language, complaints, reader: Boolean(options.url),
      visit: async (name, page) => {
        if (!name.includes(options.only)) return;
        for (const [width, size] of Object.entries(widths)) {
          await page.setViewportSize(size);
          for (const theme of themes) {
            await page.emulateMedia({ colorScheme: theme });
            await page.waitForTimeout(250);
            await page.evaluate(`window.axe || (0, eval)(${JSON.stringify(source)})`);
            const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            if (overflow > 0) violations.push(`${name} ${width} ${theme} ${language}: the page is ${overflow} px wider than the window`);
            for (const violation of found.violations) {
              violations.push(`${name} ${width} ${theme} ${language}: ${violation.id} (${violation.help})\n    ${violation.nodes.map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? ''}`).join('\n    ')}`);
            }
            checked += 1;
          }
        }
        await page.setViewportSize(widths.wide);
        await page.emulateMedia({ colorScheme: 'light' });
      },
    }));
  }
});
for (const line of [...violations, ...complaints.map((text) => `console: ${text}`)]) console.error(line);
const bad = violations.length + complaints.length > 0;
console.log(`${bad ? 'FAIL' : 'PASS'} accessibility of ${checked} pages${options.languages.length === 1 ? ` in ${options.languages[0]}` : ''}${bad ? `: ${violations.length} violations, ${complaints.length} complaints of the browser` : ''}`);
process.exitCode = bad ? 1 : 0;
