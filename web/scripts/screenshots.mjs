// Pictures of every page: node scripts/screenshots.mjs [--url URL --client NAME:PASSWORD …] [--out FOLDER] [--only PART-OF-A-NAME]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { readOptions, themes, walk, widths, withBrowser, withServer } from './walk.mjs';

const options = readOptions();
const out = options.out ?? 'screenshots';
await mkdir(out, { recursive: true });
const complaints = [];
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
            await page.waitForTimeout(300);
            await page.screenshot({ fullPage: true, path: join(out, `${name}.${width}.${theme}.${language}.png`) });
          }
        }
        await page.setViewportSize(widths.wide);
        await page.emulateMedia({ colorScheme: 'light' });
      },
    }));
  }
});
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;
