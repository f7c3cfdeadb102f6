// Every page and state of the real program by axe-core, light and dark, English and Russian, at 360 and 1280 pixels:
//   node tests/e2e/accessibility_test.mjs [--language ru] [--only PART-OF-A-NAME]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { readOptions } from '../../web/scripts/walk.mjs';
import { people, startPlatform } from './platform.mjs';

const check = fileURLToPath(new URL('../../web/scripts/axe.mjs', import.meta.url));
const { languages, only } = readOptions();
const login = ({ username, password }) => `${username}:${password}`;

/** The exit code of the check against a fresh program, whose first client has asked nothing yet. */
async function run(language) {
  const platform = await startPlatform();
  try {
    const child = spawn(process.execPath, [check, '--url', platform.url, '--language', language, '--only', only, '--client', login(people.anna), '--consultant', login(people.clara), '--administrator', login(people.admin)], { stdio: 'inherit' });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    await platform.stop();
  }
}

for (const language of languages) {
  if ((await run(language)) === 0) continue;
  process.exitCode = 1;
  console.log(`FAIL accessibility in ${language}: see above`);
}
